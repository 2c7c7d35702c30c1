/** Legends that most panels have: Grafana templates over the labels of docs/metrics.md. */
export const perRepository = "{{stanza}}, repository {{repo}}";
export const perNode = "{{instance}}";
