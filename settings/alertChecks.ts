import { defaultThresholds } from "../render/alertRules.js";
import { object } from "./draft.js";
import type { Problem } from "./problems.js";

type Name = keyof typeof defaultThresholds;

/** Checks of the alerts' settings against each other and against what the stack is for. */
export function alertChecks(raw: Record<string, unknown>): Problem[] {
  const alerts = object(raw.alerts);
  const problem = (key: string, message: string): Problem => ({ path: ["alerts", key], message });
  const number = (name: Name) => (typeof alerts[name] === "number" ? alerts[name] : defaultThresholds[name]);
  const order = (greater: Name, less: Name): Problem[] =>
    number(greater) > number(less)
      ? []
      : [
          problem(
            alerts[greater] === undefined ? less : greater,
            `${greater} (${number(greater)}) must exceed ${less} (${number(less)})`,
          ),
        ];
  const { timeScale = 1 } = alerts;
  return [
    ...(raw.environment === "prod" && typeof timeScale === "number" && timeScale !== 1
      ? [
          problem(
            "timeScale",
            `${timeScale} is refused in prod: alerts that fire early teach people not to look. Allowed: 1`,
          ),
        ]
      : []),
    ...order("dataVolumeFullRatio", "dataVolumeRatio"),
    ...order("certificateExpirySeconds", "certificateLastCallSeconds"),
  ];
}
