export function localhostCertificate(folder: string): Promise<{ key: string; cert: string; file: string }>;
