/** What somebody wants who sends one word. */
export type TextKeyword = 'stop' | 'start' | 'help';

/** In the languages that Usher has words for. English ones are those that carriers know, whatever the language. */
const WORDS: Record<TextKeyword, { readonly en: readonly string[]; readonly de: readonly string[] }> = {
  stop: {
    en: ['STOP', 'STOPALL', 'UNSUBSCRIBE', 'CANCEL', 'END', 'QUIT', 'REVOKE', 'OPTOUT'],
    de: ['STOPP', 'ABMELDEN', 'ABBESTELLEN', 'ENDE', 'KEINE SMS'],
  },
  start: { en: ['START', 'UNSTOP', 'SUBSCRIBE'], de: ['ANMELDEN'] },
  help: { en: ['HELP', 'INFO'], de: ['HILFE'] },
};

const REPLIES: Record<TextKeyword, { readonly en: string; readonly de: string }> = {
  stop: {
    en: 'You will get no more texts from us. Reply START to get them again.',
    de: 'Du bekommst keine SMS mehr von uns. Mit START bekommst du sie wieder.',
  },
  start: {
    en: 'You will get texts from us again. Reply STOP to end them.',
    de: 'Du bekommst wieder SMS von uns. Mit STOPP endet das.',
  },
  help: {
    en: 'These texts are about your account. Reply STOP to end them.',
    de: 'Diese SMS betreffen dein Konto. Mit STOPP enden sie.',
  },
};

/** Returns the keyword that the whole text is, in any case and with punctuation around it, and the reply to it; undefined for other texts. */
export function readKeyword(text: string): { keyword: TextKeyword; reply: string } | undefined {
  const word = text
    .normalize('NFC')
    .toUpperCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
    .replace(/^OPT OUT$/, 'OPTOUT')
    .replace(/^STOP ALL$/, 'STOPALL');
  for (const keyword of ['stop', 'start', 'help'] as const)
    for (const language of ['en', 'de'] as const)
      if (WORDS[keyword][language].includes(word)) return { keyword, reply: REPLIES[keyword][language] };
  return undefined;
}
