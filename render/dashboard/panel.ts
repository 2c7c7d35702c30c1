/** One question to Prometheus; `legend` is Grafana's template over the series' labels. */
export interface PanelQuery {
  readonly expr: string;
  readonly legend: string;
}

/** A panel as data: what it asks, and how the answer is read. */
export interface Panel {
  readonly title: string;
  /** One or two sentences: what good looks like. */
  readonly description: string;
  readonly kind: "stat" | "timeseries" | "table";
  /** Grafana's unit id: `s`, `bytes`, `short`, `percentunit`, `dateTimeAsIso`, `none`. */
  readonly unit: string;
  readonly queries: readonly PanelQuery[];
  /** Value from which on, or below which, the panel turns red. */
  readonly red?: { readonly above: number } | { readonly below: number };
}

export interface Section {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface DashboardArgs {
  /** First part of the drill's metric names. */
  readonly prefix: string;
  /** Bound of the drill's restore time, seconds. */
  readonly rtoBoundSeconds: number;
  /** Age of the last drill that counts as stale, seconds. */
  readonly drillStaleSeconds: number;
}
