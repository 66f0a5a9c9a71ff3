/** A metric in a PromQL expression, and the values that its matchers name: `=~"a|b"` names two. */
export type Selector = { metric: string; labels: Array<[string, string]> };

/** The metrics that the rules and the dashboard use. */
const metricPattern = /\b((?:auth_bff|process|nodejs)[_:][\w:]+|up)\b(?:\{([^}]*)\})?/g;

/** The metrics of an expression. */
export const selectorsIn = (expression: string): Selector[] =>
  [...expression.matchAll(metricPattern)].map(([, metric = '', matchers = '']) => ({
    metric,
    labels: [...matchers.matchAll(/(\w+)=~?"([^"]*)"/g)].flatMap(([, label = '', values = '']) =>
      values.split('|').map((value): [string, string] => [label, value]),
    ),
  }));
