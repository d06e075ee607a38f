import { z } from 'zod';
import { lenient, TextLike } from './answer-shapes.ts';
import type { CallOptions } from './site-client.ts';
import { tellsNothing } from './site-errors.ts';
import type { Site } from './sites.ts';

const RolePage = z.looseObject({
  roles: z.array(z.union([z.string(), z.looseObject({ rolename: TextLike, roleName: TextLike })])),
  hasMore: lenient(z.boolean()),
});

const pageSize = 1_000;
/** The roles of a directory of thousands are not worth reading for a few names. */
const mostPages = 10;

/** `isWhole`: there are no others. */
export type SiteRoles = { names: string[]; isWhole: boolean };

/**
 * The roles of a stand-alone site; undefined where our account is not shown them, or in a way that we do not know. A
 * role store may hand out shorter pages than were asked for, and only a clear `hasMore: false` ends the list: neither
 * pages nor who may ask is verified.
 */
export async function readRoles(
  site: Site,
  { signal }: CallOptions = {},
): Promise<SiteRoles | undefined> {
  const to = 'list its roles';
  const names: string[] = [];
  try {
    for (let page = 0; page < mostPages; page += 1) {
      const params = { startIndex: String(names.length), pageSize: String(pageSize) };
      const json = await site.client.read('admin', ['security', 'roles', 'getRoles'], {
        to,
        params,
        signal,
      });
      const { data: answer } = RolePage.safeParse(json);
      if (!answer) return undefined;
      const { roles, hasMore } = answer;
      names.push(...roles.map(nameOf));
      if (hasMore !== true || roles.length === 0) return { names, isWhole: hasMore === false };
    }
    return { names, isWhole: false };
  } catch (error) {
    if (tellsNothing(error)) return undefined;
    throw error;
  }
}

function nameOf(role: z.output<typeof RolePage>['roles'][number]): string {
  return typeof role === 'string' ? role : (role.rolename ?? role.roleName ?? '');
}
