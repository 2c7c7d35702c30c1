import { setTimeout as sleep } from "node:timers/promises";

/** How long an object may take until it is ready or gone, where its own timeouts say nothing. */
const LIMIT_SECONDS = 600;

const condition = (object, type) => (object.status?.conditions ?? []).find((item) => item.type === type);
const holds = (object, type) => condition(object, type)?.status === "True";
const seen = ({ metadata, status }) => (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);

/** @typedef {{ ready?: boolean, failed?: string, waiting?: string }} Verdict */

function deployment(object) {
  const { spec, status = {} } = object;
  const wanted = spec.replicas ?? 1;
  if (!seen(object)) return { waiting: "waiting for the controller" };
  const progressing = condition(object, "Progressing");
  if (progressing?.reason === "ProgressDeadlineExceeded") return { failed: progressing.message };
  const updated = status.updatedReplicas ?? 0;
  const available = status.availableReplicas ?? 0;
  const old = (status.replicas ?? 0) - updated;
  if (updated >= wanted && available >= wanted && old <= 0) return { ready: true };
  return { waiting: `${available} of ${wanted} replicas available` };
}

function statefulSet(object) {
  const { spec, status = {} } = object;
  const wanted = spec.replicas ?? 1;
  if (!seen(object)) return { waiting: "waiting for the controller" };
  const byHand = spec.updateStrategy?.type === "OnDelete";
  const rolled = byHand || status.updateRevision === status.currentRevision || status.updatedReplicas === wanted;
  if ((status.readyReplicas ?? 0) >= wanted && rolled) return { ready: true };
  return { waiting: `${status.readyReplicas ?? 0} of ${wanted} replicas ready` };
}

function daemonSet(object) {
  const { status = {} } = object;
  if (!seen(object)) return { waiting: "waiting for the controller" };
  const wanted = status.desiredNumberScheduled ?? 0;
  const updated = status.updatedNumberScheduled ?? 0;
  if (updated >= wanted && (status.numberAvailable ?? 0) >= wanted) return { ready: true };
  return { waiting: `${status.numberAvailable ?? 0} of ${wanted} pods available` };
}

function job(object) {
  const failed = condition(object, "Failed");
  if (failed?.status === "True") return { failed: failed.message || failed.reason || "the job failed" };
  if (holds(object, "Complete")) return { ready: true };
  return { waiting: `${object.status?.active ?? 0} pods active, ${object.status?.failed ?? 0} failed` };
}

function pod(object) {
  const { status = {} } = object;
  if (status.phase === "Failed") return { failed: status.message ?? "the pod failed" };
  if (status.phase === "Succeeded" || holds(object, "Ready")) return { ready: true };
  const stuck = (status.containerStatuses ?? []).map((item) => item.state?.waiting).find((item) => item?.reason);
  return { waiting: stuck ? `${stuck.reason}: ${stuck.message ?? ""}` : `phase ${status.phase ?? "unknown"}` };
}

const claim = async (object, api) => {
  if (object.status?.phase === "Bound") return { ready: true };
  const name = object.spec?.storageClassName;
  const storage = name
    ? await api.get({ apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata: { name } })
    : undefined;
  // Bound by the first pod that wants it: which may well wait for this resource.
  if (storage?.volumeBindingMode === "WaitForFirstConsumer") return { ready: true };
  return { waiting: "not bound to a volume" };
};

async function service({ spec, metadata }, api) {
  const headless = spec.clusterIP === "None";
  if (spec.type === "ExternalName" || headless || Object.keys(spec.selector ?? {}).length === 0) return { ready: true };
  const { path } = await api.kind("discovery.k8s.io/v1", "EndpointSlice");
  const { items } = await api.request("GET", `${path}/namespaces/${metadata.namespace}/endpointslices`, {
    query: { labelSelector: `kubernetes.io/service-name=${metadata.name}` },
  });
  const some = items.some((slice) => (slice.endpoints ?? []).some((item) => item.conditions?.ready !== false));
  return some ? { ready: true } : { waiting: "no pod is behind it" };
}

const established = (object) => {
  const names = condition(object, "NamesAccepted");
  if (names?.status === "False") return { failed: names.message };
  return holds(object, "Established") ? { ready: true } : { waiting: "not established" };
};

/** What being ready means; every other kind is ready once it is there. */
const KINDS = {
  "apiextensions.k8s.io/CustomResourceDefinition": established,
  "apps/DaemonSet": daemonSet,
  "apps/Deployment": deployment,
  "apps/StatefulSet": statefulSet,
  "batch/Job": job,
  "core/PersistentVolumeClaim": claim,
  "core/Pod": pod,
  "core/Service": service,
};

/** Polls, at first often; ends with the operation's own deadline or this one's. */
async function* attempts(signal) {
  const end = Date.now() + LIMIT_SECONDS * 1000;
  for (let wait = 200; ; wait = Math.min(wait * 1.5, 2000)) {
    yield;
    if (Date.now() > end) throw new Error(`not within ${LIMIT_SECONDS} s`);
    await sleep(wait, undefined, { signal }).catch(() => {
      throw signal.reason;
    });
  }
}

/**
 * Waits until an object is ready.
 * @returns {Promise<object>} the object as it is then
 * @throws {Error & { live: object }} when it fails, or is not ready in time; `live` is its last state
 */
export async function ready(api, object, { signal, log }) {
  const [group] = object.apiVersion.includes("/") ? object.apiVersion.split("/") : ["core"];
  const verdictOf = KINDS[`${group}/${object.kind}`];
  let live = object;
  if (!verdictOf) return live;
  let said = "";
  const fail = (why) => Object.assign(new Error(why), { live });
  try {
    for await (const _ of attempts(signal)) {
      const found = await api.get(object, signal);
      if (!found) throw new Error("it was deleted while it was waited for");
      live = found;
      const verdict = await verdictOf(live, api);
      if (verdict.ready) return live;
      if (verdict.failed) throw new Error(verdict.failed);
      if (verdict.waiting !== said) await log("info", verdict.waiting, true);
      said = verdict.waiting;
    }
  } catch (error) {
    throw fail(said && error.message !== said ? `${error.message} (${said})` : error.message);
  }
  return live;
}

/** Waits until an object is gone; one of the same name that came after it does not count. */
export async function gone(api, object, { signal, log }) {
  const uid = object.metadata.uid;
  for await (const _ of attempts(signal)) {
    const live = await api.get(object, signal);
    if (!live || (uid && live.metadata.uid !== uid)) return;
    const held = live.metadata.finalizers?.join(", ");
    await log("info", held ? `being deleted, held by ${held}` : "being deleted", true);
  }
}
