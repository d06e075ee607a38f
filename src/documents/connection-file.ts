import { z } from 'zod';
import { DocumentError } from '../lib/errors.ts';
import { readStreams } from './compound-file.ts';
import { isPasswordName, readConnectionString } from './connection-string.ts';
import { ServiceDefinitionConnection } from './service-definition.ts';

/** What a database connection file (.sde) says of itself. Its password is never read. */
export const ConnectionFileContent = z
  .object({
    kind: z.literal('connection-file').describe('Kind of document'),
    connection: ServiceDefinitionConnection.describe('The database that it leads to'),
    isGeodatabase: z.boolean().optional().describe('The database is a geodatabase'),
    hasPassword: z
      .boolean()
      .describe('A password is saved in it; a site cannot connect without one or an OS login'),
  })
  .meta({ id: 'ConnectionFileContent' });
export type ConnectionFileContent = z.output<typeof ConnectionFileContent>;

const databaseStream = 'SDEConnProperties';
const siteStream = 'AGSConnProperties';
/** Of the property set; both kinds of connection file have it. Read from files. */
const classId = Buffer.from('115a8e589bd0d111aa7c00c04fa33a15', 'hex');
const mostProperties = 200;

/** Kinds of values, as COM numbers them (Microsoft, "VARENUM enumeration"). */
const textKind = 8;
const bytesKind = 0x2011;
const fixedBytes = new Map([
  [3, 4],
  [2, 2],
  [11, 2],
  [5, 8],
]);

/**
 * Host, database, user, version and mode of a .sde, without ArcGIS. The bytes of the password are passed
 * over by their length: their encoding can be reversed.
 *
 * @throws DocumentError unreadable_document, also for a .ags
 */
export function readConnectionFile(file: Buffer): ConnectionFileContent {
  const { properties, hasPassword } = readConnectionProperties(file);
  const pairs = [...properties].filter(([, value]) => typeof value === 'string');
  const connection = readConnectionString(pairs.map((pair) => pair.join('=')).join(';'));
  if (connection.kind !== 'database') throw unreadable('The file names no database.');
  const isGeodatabase = toBoolean(properties.get('IS_GEODATABASE'));
  return {
    kind: 'connection-file',
    connection,
    hasPassword,
    ...(isGeodatabase !== undefined && { isGeodatabase }),
  };
}

/** True for a login of the database; the operating system's has no password. */
export function needsPassword({ connection }: ConnectionFileContent): boolean {
  return connection.kind === 'database' && !/^OSA$/i.test(connection.authentication ?? '');
}

export type ConnectionProperties = {
  /** By upper-case name, in the order of the file; none that is a password. */
  properties: Map<string, string | number>;
  hasPassword: boolean;
};

/** @throws DocumentError unreadable_document */
export function readConnectionProperties(file: Buffer): ConnectionProperties {
  const streams = readStreams(file);
  const stream = streams.get(databaseStream);
  if (!stream) {
    throw unreadable(
      streams.has(siteStream)
        ? 'This is a connection to a server (.ags); a connection to a database (.sde) is needed.'
        : 'This is no database connection file (.sde).',
    );
  }
  try {
    return readProperties(stream);
  } catch (error) {
    throw error instanceof RangeError
      ? unreadable('The connection file is damaged.', error)
      : error;
  }
}

function readProperties(stream: Buffer): ConnectionProperties {
  const start = stream.indexOf(classId);
  if (start < 0) throw unreadable('The connection file holds no properties.');
  const reader = new PropertyReader(stream.subarray(start + classId.length + 2));
  const count = reader.number();
  if (count > mostProperties) throw unreadable('The connection file is damaged.');
  const properties = new Map<string, string | number>();
  let hasPassword = false;
  for (let at = 0; at < count; at += 1) {
    const name = reader.text().toUpperCase();
    if (isPasswordName(name)) hasPassword = reader.passOver() > 0 || hasPassword;
    else properties.set(name, reader.value());
  }
  return { properties, hasPassword };
}

/** Walks a property set. Anything beyond its end is a RangeError. */
class PropertyReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  number(): number {
    this.#at += 4;
    return this.#bytes.readUInt32LE(this.#at - 4);
  }

  /** Length in bytes, closing NUL included, then UTF-16. */
  text(): string {
    return this.#take(this.number()).toString('utf16le').replace(/\0+$/, '');
  }

  value(): string | number {
    const kind = this.#kind();
    if (kind === textKind) return this.text();
    const bytes = this.#take(this.#lengthOf(kind));
    if (kind === 3) return bytes.readInt32LE();
    if (kind === 2 || kind === 11) return bytes.readInt16LE();
    return kind === 5 ? bytes.readDoubleLE() : '';
  }

  /** @returns the length of what was not read, in bytes */
  passOver(): number {
    const kind = this.#kind();
    const length = kind === textKind ? this.number() : this.#lengthOf(kind);
    this.#take(length);
    return kind === textKind ? Math.max(0, length - 2) : length;
  }

  #kind(): number {
    this.#at += 2;
    return this.#bytes.readUInt16LE(this.#at - 2);
  }

  #lengthOf(kind: number): number {
    if (kind === bytesKind) return this.number();
    const length = fixedBytes.get(kind);
    if (length === undefined) throw new RangeError(`a value of the unknown kind ${kind}`);
    return length;
  }

  #take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw new RangeError('beyond the end');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

/** Written as a number, a COM boolean (-1) or text. */
function toBoolean(value: string | number | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'number' ? value !== 0 : /^(true|1|-1|yes)$/i.test(value);
}

function unreadable(message: string, cause?: unknown): DocumentError {
  return new DocumentError('unreadable_document', message, { cause });
}
