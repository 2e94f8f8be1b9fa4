import type pg from 'pg';

/** A node of EXPLAIN's JSON. */
export interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

export declare function planOf(client: pg.Client, text: string): Promise<PlanNode>;
export declare function executedPlanOf(
  client: pg.Client,
  text: string,
  values: readonly unknown[],
): Promise<PlanNode>;
export declare function mostRowsRead(plan: PlanNode): number;
export declare function wholeTables(plan: PlanNode): string[];
export declare function printed(plan: PlanNode, depth?: number): string[];
export declare function fillTables(
  client: pg.Client,
  rows: number,
  options: { readonly small: readonly string[]; readonly usual: readonly string[] },
): Promise<string[]>;
