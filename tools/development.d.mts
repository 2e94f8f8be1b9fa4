export function environmentLines(
  environment: Readonly<Record<string, string | undefined>>,
  url: string,
  given?: Readonly<Record<string, string | undefined>>,
): string;
