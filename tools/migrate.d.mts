export function migrate(databaseUrl: string): Promise<string[]>;
