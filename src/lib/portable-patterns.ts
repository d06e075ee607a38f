import { z } from 'zod';

/*
 * Patterns of the API reach callers, and not every language knows `\p{…}`: Python's `re` refuses it. So what is
 * shown is made of plain ranges.
 */

/** All control characters (Unicode's Cc), for use within a class. */
export const controls = String.raw`\x00-\x1f\x7f-\x9f`;

/** Name of a file that is made, as file systems of every kind take it. */
export const FileName = z
  .string()
  .regex(new RegExp(String.raw`^[^\\/:*?"<>|${controls}]{1,200}$`, 'u'));

/** A letter or digit of any language, or an underscore. */
const checkedMark = String.raw`[\p{L}\p{N}_]`;
/** The same for ASCII; of the rest only controls are left out, for no range can tell what is a letter. */
const shownMark = String.raw`[^\x00-\/:-@\[-\^\x60\{-\xa9]`;

/**
 * Text made of letters, digits and underscores of any language. What is shown of its pattern refuses nothing that
 * is taken.
 *
 * @param shape the pattern, given what stands for one such character
 */
export function textOfMarks(shape: (mark: string) => string, message: string): z.ZodString {
  const checked = new RegExp(shape(checkedMark), 'u');
  return z
    .string()
    .refine((text) => checked.test(text), { message })
    .meta({ pattern: shape(shownMark) });
}
