import { sdkVersion } from "../provider/sdk.mjs";
import { hasUnknown, isMissing, reveal, secret, UNKNOWN } from "../provider/values.mjs";
import { KINDS } from "./kinds.mjs";

function kindOf(type) {
  const kind = KINDS[type.split(":").pop() ?? ""];
  if (!kind) throw new Error(`${type} is not covered by this stand-in of the random plugin; use the official plugin`);
  return kind;
}

const outputsOf = (kind, inputs, values) => {
  const marked = kind.outputs.map((name) => [name, kind.secrets?.includes(name) ? secret(values[name]) : values[name]]);
  const known = hasUnknown(inputs) ? {} : (kind.defaults?.(reveal(inputs)) ?? {});
  return { ...known, ...inputs, ...Object.fromEntries(marked) };
};

/**
 * The stand-in for the random plugin. A value is drawn once and lasts until an input (`keepers` among them)
 * changes, which replaces the resource.
 * @returns {import("../provider/service.mjs").Provider}
 */
export const randomProvider = () => ({
  name: "random",
  version: sdkVersion("@pulumi/random"),

  check({ type }, given) {
    const kind = kindOf(type);
    const inputs = Object.fromEntries(Object.entries(given).filter(([, value]) => !isMissing(value)));
    return { inputs, failures: hasUnknown(inputs) ? [] : (kind.failures?.(reveal(inputs)) ?? []) };
  },

  replaces: () => true,

  async create({ type, preview }, inputs) {
    const kind = kindOf(type);
    const plain = reveal(inputs);
    const { id, values } = preview
      ? { id: "", values: Object.fromEntries(kind.outputs.map((name) => [name, UNKNOWN])) }
      : kind.draw({ ...plain, ...kind.defaults?.(plain) });
    return { id, outputs: outputsOf(kind, inputs, values) };
  },

  async read({ type }, id, state) {
    if (Object.keys(state).length === 0)
      throw new Error(`import of ${type} is not covered by this stand-in of the random plugin`);
    return { id, outputs: state };
  },

  async update({ type }) {
    throw new Error(`${type} is never updated in place`);
  },

  async delete() {},

  async invoke(_context, token) {
    throw new Error(`${token} is not a function of the random plugin`);
  },
});
