/** Returns the text on one line: a line break in a value must not begin a header of its own. */
export const oneLine = (text: string): string => text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
