import { randomBytes } from 'node:crypto';
import type { DocumentReader } from '../documents/document-reader.ts';

/** What an account may do on a site: administer it, publish to it, or only use its services. */
export type Privilege = 'ADMINISTER' | 'PUBLISH' | 'ACCESS';

export type SimulatedSiteOptions = {
  /** Address to listen on; 127.0.0.1 by default. */
  host?: string;
  /** 0, the default, takes a free port. */
  port?: number;
  /** First segment of every path, `arcgis` by default; behind a Web Adaptor it may be any name. */
  context?: string;
  /** `10.9.1` by default. */
  version?: string;
  username?: string;
  password?: string;
  privilege?: Privilege;
  /** A small portal at `/portal` of the same server issues the tokens and keeps an item per endpoint. */
  federated?: boolean;
  /** Where uploaded files go; made if missing. */
  folder: string;
  /** Site time that one publish takes. */
  publishMs?: number;
  /** Site time that a service takes to start. */
  startMs?: number;
  /** What a service shows while it starts or stops: names of such states are not verified. */
  startingState?: string;
  stoppingState?: string;
  /** Instances of PublishingTools: publishes that run at the same time. */
  publishingInstances?: number;
  /** Longest life of a token; a client may ask for less. */
  tokenMinutes?: number;
  tls?: { key: string; cert: string };
  reader: DocumentReader;
  /** Asking for the same site job more often than this is a violation. */
  politePollMs?: number;
  /**
   * Publishing with `in_config_overwrite` replaces an existing service of that name. Not verified that
   * any release does, so off by default: the publish fails.
   */
  overwriteByConfig?: boolean;
  /** A publish makes the folder it names. Not verified, so off by default: the publish fails. */
  createsMissingFolders?: boolean;
  /** A Replacement definition needs a service to replace. Not verified; on by default. */
  replacementNeedsService?: boolean;
  /** Data that a definition refers to have to be registered, else 001487; on by default. */
  requiresRegisteredData?: boolean;
  /** Names of the machines of the site; the first answers. */
  machines?: readonly string[];
  /** Of the role store. */
  roles?: readonly string[];
  /** Which keys answers about data items carry: releases differ, and some carry both. */
  dataItemAnswers?: 'both' | 'status' | 'success';
};

export type SiteSettings = Required<Omit<SimulatedSiteOptions, 'tls'>> & {
  tls?: { key: string; cert: string };
};

export function toSettings(options: SimulatedSiteOptions): SiteSettings {
  return {
    host: '127.0.0.1',
    port: 0,
    context: 'arcgis',
    version: '10.9.1',
    username: 'siteadmin',
    password: randomBytes(9).toString('base64url'),
    privilege: 'ADMINISTER',
    federated: false,
    publishMs: 300,
    startMs: 50,
    startingState: 'STARTING',
    stoppingState: 'STOPPING',
    publishingInstances: 2,
    tokenMinutes: 60,
    politePollMs: 400,
    overwriteByConfig: false,
    createsMissingFolders: false,
    replacementNeedsService: true,
    requiresRegisteredData: true,
    machines: ['SIM01.EXAMPLE.ORG'],
    roles: ['Administrators', 'Publishers', 'Planners', 'Editors', 'Viewers'],
    dataItemAnswers: 'both',
    ...options,
  };
}

/**
 * `currentVersion` as sites write it: 10.8.1 is 10.81, 11.3.0 is 11.3, so 10.81 is less than 10.9.
 *
 * @see Esri, "Server Info"
 */
export function toCurrentVersion(version: string): number {
  const [major = '10', minor = '0', patch = '0'] = version.split('.');
  return Number(`${major}.${minor}${patch === '0' ? '' : patch}`);
}

/** Services made with ArcMap cannot run from 11.0 on. Esri, "Deprecation notice" of ArcMap runtime. */
export function runsArcMapServices(version: string): boolean {
  return Number(version.split('.')[0]) < 11;
}
