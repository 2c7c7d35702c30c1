import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import {
  DashboardBuilder,
  type DataSourceRef,
  DatasourceVariableBuilder,
  type Panel as GrafanaPanel,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder, PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TableBuilder } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as TimeseriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import type { DashboardArgs, Panel } from "./panel.js";
import { dashboardSections } from "./panels.js";

const datasource: DataSourceRef = { type: "prometheus", uid: "$datasource" };

/**
 * The Grafana dashboard as JSON, for import or for provisioning. It asks for its Prometheus data source by a variable.
 *
 * Source: Grafana Foundation SDK, https://github.com/grafana/grafana-foundation-sdk
 */
export function renderDashboard(args: DashboardArgs): string {
  const builder = new DashboardBuilder("restorable")
    .uid("restorable")
    .description("Postgres whose backups are proven to restore: formation, archiving, backups per repository, drills.")
    .tags(["postgres", "backup", "restorable"])
    .refresh("30s")
    .time({ from: "now-24h", to: "now" })
    .withVariable(new DatasourceVariableBuilder("datasource").label("Prometheus").type("prometheus"));
  for (const section of dashboardSections(args)) {
    builder.withRow(new RowBuilder(section.title));
    for (const panel of section.panels) builder.withPanel(panelBuilder(panel));
  }
  return JSON.stringify(builder.build(), null, 2);
}

function panelBuilder(panel: Panel): Builder<GrafanaPanel> {
  const shape = { stat: StatBuilder, timeseries: TimeseriesBuilder, table: TableBuilder }[panel.kind];
  const builder = new shape()
    .title(panel.title)
    .description(panel.description)
    .datasource(datasource)
    .unit(panel.unit)
    .span(panel.kind === "stat" ? 6 : 12)
    .height(panel.kind === "stat" ? 4 : 8);
  if (panel.red) builder.thresholds(thresholds(panel.red));
  panel.queries.forEach((query, index) => {
    builder.withTarget(target(panel, query, String.fromCharCode(65 + index)));
  });
  return builder;
}

function target(panel: Panel, query: Panel["queries"][number], refId: string): Builder<Dataquery> {
  const builder = new DataqueryBuilder().expr(query.expr).legendFormat(query.legend).refId(refId);
  if (panel.kind === "table") return builder.format(PromQueryFormat.Table).instant();
  return panel.kind === "stat" ? builder.instant() : builder.range();
}

function thresholds(red: NonNullable<Panel["red"]>): ThresholdsConfigBuilder {
  const steps =
    "above" in red
      ? [
          { value: null, color: "green" },
          { value: red.above, color: "red" },
        ]
      : [
          { value: null, color: "red" },
          { value: red.below, color: "green" },
        ];
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}
