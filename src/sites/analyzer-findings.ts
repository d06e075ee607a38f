import { errorTexts, type FailureEvidence, type Finding } from './failure-evidence.ts';

/** What the codes mean that most often stop a definition, and what mends them (Esri, list of analyzer messages). */
const meanings: Record<string, { meaning: string; fix: string }> = {
  '00002': { meaning: 'the map has no spatial reference', fix: 'set one' },
  '00003': { meaning: 'the data source cannot be reached', fix: 'repair the path or the rights' },
  '00032': { meaning: 'the source of the table cannot be reached', fix: 'repair the path' },
  '00070': { meaning: 'the summary is missing', fix: 'write one' },
  '00071': { meaning: 'the tags are missing', fix: 'give some' },
  '00144': { meaning: 'the site lacks a licence', fix: 'license the product or extension' },
  '00145': { meaning: 'the workspace is not registered', fix: 'register the same connection' },
  '00147': { meaning: 'the site lacks an extension', fix: 'license and enable it' },
  '00231': { meaning: 'the source has to be registered with the site', fix: 'register it' },
  '00374': { meaning: 'unique numeric layer ids are not assigned', fix: 'allow and assign them' },
  '00396': { meaning: 'the data are newer than the site', fix: 'use older field types' },
};

/** Codes with which data are copied into the definition instead of being referred to. */
export const copyCodes = ['24011', '24012', '24032', '10045'];

/**
 * The findings that the messages 001272 (errors) and 002893 (warnings) of Stage Service carry: in ArcGIS
 * Pro a JSON list in round brackets, in ArcMap only codes.
 */
export function findingsOf(it: FailureEvidence): Finding[] {
  const texts = [...it.messages.map(({ text }) => text), ...errorTexts(it)];
  return [...new Set(texts)].flatMap((text) => {
    const [, list] = /(?:001272|002893)\s*[:：](.*)/su.exec(text) ?? [];
    return list === undefined ? [] : (fromJson(list) ?? fromCodes(list));
  });
}

export function analyzerErrors(it: FailureEvidence): Finding[] {
  return findingsOf(it).filter(({ code }) => Number(code) < 10_000);
}

/** One line: code, layer, what it means, what mends it; the site's own text where the code is not known. */
export function describeFinding({ code, layer, message }: Finding): string {
  const known = meanings[code];
  const what = known
    ? `${known.meaning}; ${known.fix}`
    : (message?.replace(/\.\s*$/, '') ?? 'no text came with it');
  return layer ? `${code} at ${layer}: ${what}` : `${code}: ${what}`;
}

function fromJson(text: string): Finding[] | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')));
  } catch {
    return undefined; // ArcMap's form, or a list cut off
  }
  if (!Array.isArray(parsed)) return undefined;
  return parsed.flatMap((element: unknown) => {
    const { code, object, message } = Object(element) as Record<string, unknown>;
    if (!/^\d+$/.test(String(code))) return [];
    return {
      code: String(code).padStart(5, '0'),
      ...(typeof object === 'string' && object && { layer: object }),
      ...(typeof message === 'string' && message && { message }),
    };
  });
}

function fromCodes(text: string): Finding[] {
  const codes = [...text.matchAll(/(?<![\w.])\d{1,5}(?![\w.])/g)].map(([code]) =>
    code.padStart(5, '0'),
  );
  return [...new Set(codes)].map((code) => ({ code }));
}
