import { z } from 'zod';

export const Link = z
  .object({
    href: z.string().describe('Absolute address'),
    rel: z.string().describe('What it leads to, seen from here'),
    type: z.string().optional().describe('Media type'),
    title: z.string().optional().describe('What it leads to, for people'),
  })
  .meta({ id: 'Link' });
export type Link = z.output<typeof Link>;

/** Relation types of OGC API - Processes. */
export const ogcRelations = {
  conformance: 'http://www.opengis.net/def/rel/ogc/1.0/conformance',
  processes: 'http://www.opengis.net/def/rel/ogc/1.0/processes',
  execute: 'http://www.opengis.net/def/rel/ogc/1.0/execute',
  jobList: 'http://www.opengis.net/def/rel/ogc/1.0/job-list',
  results: 'http://www.opengis.net/def/rel/ogc/1.0/results',
  log: 'http://www.opengis.net/def/rel/ogc/1.0/log',
};

export function jsonLink(rel: string, href: string, title?: string): Link {
  return { href, rel, type: 'application/json', ...(title !== undefined && { title }) };
}

export function jobUrl(root: string, jobId: string): string {
  return `${root}/v1/jobs/${jobId}`;
}

export function uploadUrl(root: string, uploadId: string): string {
  return `${root}/v1/uploads/${uploadId}`;
}

export function processUrl(root: string, processId: string): string {
  return `${root}/v1/processes/${processId}`;
}
