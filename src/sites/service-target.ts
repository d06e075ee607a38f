import type { SiteConfig } from '../lib/site-config.ts';

/** A service as the Administrator API knows it; `folder` is empty for the root. */
export type ServiceTarget = { folder: string; serviceName: string; type: string };

/** `Transport/Roads.MapServer`, and `Roads.MapServer` in the root. */
export function toText({ folder, serviceName, type }: ServiceTarget): string {
  return `${folder === '' ? '' : `${folder}/`}${serviceName}.${type}`;
}

/** The reverse; undefined when the text names no service. */
export function parseTarget(text: string): ServiceTarget | undefined {
  const match = /^\/?(?:([^/]+)\/)?([^/]+)\.([A-Za-z]+)$/.exec(text.trim());
  const [, folder = '', serviceName, type] = match ?? [];
  return serviceName && type ? { folder, serviceName, type } : undefined;
}

/** `/`, empty and missing all mean the root. */
export function toFolder(written: string | undefined): string {
  return (written ?? '').replace(/^\/+|\/+$/g, '');
}

/** Sites store the case of names and do not mind it when they compare. */
export function sameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

export function sameTarget(one: ServiceTarget, other: ServiceTarget): boolean {
  return sameName(toText(one), toText(other));
}

/** Segments below `/admin`. */
export function toAdminPath(target: ServiceTarget): string[] {
  return [...toFolderPath(target.folder), `${target.serviceName}.${target.type}`];
}

/** Segments of a folder below `/admin`; the root is the listing itself. */
export function toFolderPath(folder: string): string[] {
  return folder === '' ? ['services'] : ['services', folder];
}

/** Segments below `/rest`. */
export function toRestPath({ folder, serviceName, type }: ServiceTarget): string[] {
  return [...toFolderPath(folder), serviceName, type];
}

/** Where users find the service. */
export function restUrl(site: { config: SiteConfig }, target: ServiceTarget): string {
  return [site.config.url, 'rest', ...toRestPath(target).map(encodeURIComponent)].join('/');
}
