export const TEMPLATE: string;
export default function migrateTemplate(): Promise<void>;
