import { parsePlainSettings } from "../settings/parse.js";
import { readConfigFile } from "../settings/stackFile.js";

/**
 * Where a stack's metrics are asked for.
 *
 * @param file settings of the stack
 * @param given address that wins over the settings'
 * @returns address of Prometheus, and the first part of the drill's metric names
 * @throws Error when the settings name no Prometheus and none is given
 */
export function readSource(file: string, given?: string): { url: string; prefix: string } {
  const { monitoring, prometheus, metrics } = parsePlainSettings(readConfigFile(file).raw);
  const url = given ?? prometheus?.url ?? (monitoring && `http://${monitoring.address}:9090`);
  if (!url) throw new Error(`${file} names no Prometheus (monitoring or prometheus): give --prometheus URL`);
  return { url, prefix: metrics.prefix };
}
