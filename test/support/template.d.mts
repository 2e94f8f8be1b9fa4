export const TEMPLATE: string;
// oxlint-disable-next-line import/no-default-export -- jest asks for a default
export default function migrateTemplate(): Promise<void>;
