export const TEMPLATE: string;
export function migrateTemplate(): Promise<void>;
