import { existsSync } from "node:fs";
import { isMissing, reveal } from "../provider/values.mjs";
import { Api } from "./api.mjs";

/** Settings of the provider that the environment may give as well. */
const VARIABLES = {
  deleteUnreachable: "PULUMI_K8S_DELETE_UNREACHABLE",
  enableConfigMapMutable: "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE",
  enablePatchForce: "PULUMI_K8S_ENABLE_PATCH_FORCE",
  enableSecretMutable: "PULUMI_K8S_ENABLE_SECRET_MUTABLE",
  enableServerSideApply: "PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY",
  skipUpdateUnreachable: "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE",
  upsertExistingObjects: "PULUMI_K8S_UPSERT_EXISTING_OBJECTS",
};

/** The provider's settings, each as text. */
export function settingsOf(args, env = process.env) {
  const given = Object.fromEntries(
    Object.entries(reveal(args))
      .filter(([, value]) => !isMissing(value) && value !== "null" && value !== "")
      .map(([key, value]) => [key, String(value)]),
  );
  const settings = { ...given };
  for (const [key, variable] of Object.entries(VARIABLES))
    if (env[variable]) settings[key] ??= /^(1|true)$/i.test(env[variable]) ? "true" : "false";
  if (settings.enableServerSideApply === "false" || settings.renderYamlToDirectory)
    throw new Error(
      "only server-side apply is covered by this stand-in of the kubernetes plugin; use the official plugin for enableServerSideApply: false and renderYamlToDirectory",
    );
  return settings;
}

/**
 * The cluster that the settings name: text or path of a kubeconfig, else the usual places.
 * @returns {Promise<Api>}
 * @throws {Error} when there is no such access
 */
export async function connect({ kubeconfig, context, cluster }) {
  // Loaded with the first use: it is large, and the engine waits for the plugin's port.
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromDefault();
  else if (!kubeconfig.includes("\n") && existsSync(kubeconfig)) config.loadFromFile(kubeconfig);
  else if (!/[\n{]/.test(kubeconfig.trim())) throw new Error(`the kubeconfig ${kubeconfig} is not there`);
  else config.loadFromString(kubeconfig);
  if (context !== undefined) config.setCurrentContext(context);
  const current = config.getContextObject(config.getCurrentContext());
  if (!current) throw new Error(`the kubeconfig has no context ${config.getCurrentContext()}`);
  if (cluster !== undefined) current.cluster = cluster;
  if (!config.getCurrentCluster()?.server) throw new Error(`the kubeconfig names no cluster ${current.cluster}`);
  return Object.assign(new Api(config), { namespace: current.namespace });
}
