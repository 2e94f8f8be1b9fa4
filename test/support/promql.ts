import { parser } from '@prometheus-io/lezer-promql';

/** Grafana puts in what it stands for. */
const withoutVariables = (expr: string) =>
  expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$\w+/g, '.*');

/** Returns the names of the metrics and of the labels in a PromQL expression, each once. Throws when it is none. */
export function namesIn(expression: string): { metrics: string[]; labels: string[] } {
  const expr = withoutVariables(expression);
  const found = { metrics: new Set<string>(), labels: new Set<string>() };
  parser.parse(expr).iterate({
    enter({ type, name, from, to, node }) {
      const word = expr.slice(from, to);
      if (type.isError) throw new Error(`not PromQL at ${from}: ${expr}`);
      if (name === 'Identifier' && node.parent?.name === 'VectorSelector') found.metrics.add(word);
      if (name === 'LabelName') found.labels.add(word);
    },
  });
  return { metrics: [...found.metrics], labels: [...found.labels] };
}
