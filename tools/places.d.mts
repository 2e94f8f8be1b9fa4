export function throwAwayFolder(purpose: string): string;
