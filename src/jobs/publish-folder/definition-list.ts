import { z } from 'zod';
import { RequestError } from '../../lib/errors.ts';
import { ListedDefinition, maxDefinitions } from './schema.ts';

/**
 * Reads a list of definitions: JSON, or lines of definition, folder and service name. Columns are parted by `|`, as
 * in the example of Esri ("Publish service definitions listed in a text file"; its fourth column, the cluster, is
 * passed over), else by commas, semicolons or tabs, with quotes as in CSV. Empty lines and those that begin with `#`
 * do not count, nor does a line of headings.
 *
 * @throws RequestError validation_error naming each line that cannot be read
 */
export function parseList(text: string, pointer: string): ListedDefinition[] {
  const clean = text.replace(/^\ufeff/, '');
  if (/^\s*[[{]/.test(clean)) return parseJson(clean, pointer);
  const faults: string[] = [];
  const rows: ListedDefinition[] = [];
  for (const [at, line] of clean.split(/\r\n|\r|\n/).entries()) {
    if (line.trim() === '' || line.trim().startsWith('#')) continue;
    const [definition = '', folder = '', serviceName = ''] = toColumns(line);
    if (rows.length === 0 && /^(definition|service ?definition|file|sd)$/i.test(definition))
      continue;
    const { data: row } = ListedDefinition.safeParse({
      definition,
      ...(folder !== '' && { folder }),
      ...(serviceName !== '' && { serviceName }),
    });
    if (row) rows.push(row);
    else faults.push(`line ${at + 1} names no definition, or something too long`);
  }
  if (rows.length === 0) faults.push('no line names a definition');
  if (rows.length > maxDefinitions) faults.push(`more than ${maxDefinitions} lines`);
  if (faults.length > 0) throw refused(faults, pointer);
  return rows;
}

function toColumns(line: string): string[] {
  if (line.includes('|')) return line.split('|').map((column) => column.trim());
  const separator = [';', '\t', ','].find((each) => line.includes(each)) ?? ',';
  const columns: string[] = [];
  let column = '';
  let isQuoted = false;
  for (let at = 0; at < line.length; at += 1) {
    const letter = line[at] ?? '';
    if (letter === '"' && isQuoted && line[at + 1] === '"') {
      column += letter;
      at += 1;
    } else if (letter === '"') isQuoted = !isQuoted;
    else if (letter === separator && !isQuoted) {
      columns.push(column.trim());
      column = '';
    } else column += letter;
  }
  return [...columns, column.trim()];
}

function parseJson(text: string, pointer: string): ListedDefinition[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw refused(['it begins like JSON and is none'], pointer);
  }
  const { data, error } = z.array(ListedDefinition).min(1).max(maxDefinitions).safeParse(json);
  if (data) return data;
  throw refused(
    error.issues.slice(0, 20).map(({ path, message }) => `${path.join('.')}: ${message}`),
    pointer,
  );
}

function refused(faults: string[], pointer: string): RequestError {
  return new RequestError('validation_error', 'The list of definitions cannot be read.', {
    errors: faults.map((detail) => ({ pointer, code: 'invalid_list', detail })),
  });
}
