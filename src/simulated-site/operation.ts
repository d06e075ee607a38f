import type { Privilege } from './settings.ts';
import type { Face } from './site-refusal.ts';
import type { Token } from './tokens.ts';

/**
 * Who may ask: `nobody-known` needs no token and ignores one; `anyone` needs none on a stand-alone site
 * but refuses a bad one; the others need a token of at least that privilege.
 */
type Access = 'nobody-known' | 'anyone' | Privilege;

export type ReceivedFile = { field: string; fileName: string; path: string; sizeBytes: number };

/** One request, read and let in. */
export type Call = {
  operation: Operation;
  method: string;
  path: string;
  params: Record<string, string>;
  /** Names in the path, decoded. */
  names: Record<string, string>;
  files: ReceivedFile[];
  peer: string;
  referer: string | undefined;
  userAgent: string | undefined;
  /** Root under which the client reached the site, without context. */
  origin: string;
  token: Token | undefined;
};

export type Operation = {
  /** As `requests()` shows it and faults address it. */
  name: string;
  /** Below the context, or below `/portal` for the portal's face. */
  paths: string[];
  face: Face;
  access: Access;
  /** Operations of the Administrator API take POST; resources and geoprocessing both. */
  methods?: 'POST';
  /** Refused while the site is read-only, and subject to a busy store. */
  changes?: true;
  /** Answers as `text/plain`: some of a site's JSON is labelled so. */
  isPlainText?: true;
  /** Answers a file whatever `f` says. */
  isFile?: true;
  /** @throws SiteRefusal; anything else is a fault of the simulation */
  handle(call: Call): unknown;
};

/** An answer that is no JSON. */
export class FileAnswer {
  readonly contentType: string;
  readonly bytes: Buffer;

  constructor(contentType: string, bytes: Buffer) {
    this.contentType = contentType;
    this.bytes = bytes;
  }
}

/** The same operation at the root and in a folder. */
export const inAnyFolder = (rest: string) => [
  `/admin/services/${rest}`,
  `/admin/services/:folder/${rest}`,
];

/** Paths of a service in the Administrator API: `Folder/Name.Type`. */
export const adminService = (rest = '') => inAnyFolder(`:service(^.+\\.[A-Za-z]+$)${rest}`);

/** Paths of a service in the REST API: `Folder/Name/Type`. */
export const restService = (type = '[A-Za-z]+Server', rest = '') => [
  `/rest/services/:name/:type(^${type}$)${rest}`,
  `/rest/services/:folder/:name/:type(^${type}$)${rest}`,
];
