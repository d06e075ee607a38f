import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { Config } from './config.ts';
import { ConfigError } from './errors.ts';

const Env = z.object({
  PRESSROOM_CONFIG: z.string().optional(),
  PRESSROOM_HTTP_HOST: z.string().optional(),
  PRESSROOM_HTTP_PORT: z.string().optional(),
  PRESSROOM_PUBLIC_URL: z.string().optional(),
  PRESSROOM_REDIS_URL: z.string().optional(),
  PRESSROOM_LOG_LEVEL: z.string().optional(),
});

/**
 * The file at `PRESSROOM_CONFIG` (YAML; none: all defaults), with the environment laid over it.
 * Relative paths in it are relative to the file.
 *
 * @throws ConfigError naming every fault at once, so that a deployment is mended in one go.
 */
export async function readConfig(env: NodeJS.ProcessEnv): Promise<Config> {
  const vars = Env.parse(env);
  const file = vars.PRESSROOM_CONFIG;
  return parseConfig(file ? await readYaml(file) : {}, {
    baseFolder: file ? dirname(resolve(file)) : process.cwd(),
    env: vars,
  });
}

async function readYaml(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`PRESSROOM_CONFIG: ${file} cannot be read`, { cause: error });
  }
  try {
    return parse(text) ?? {};
  } catch (error) {
    throw new ConfigError(`${file} is not YAML: ${(error as Error).message}`, { cause: error });
  }
}

/** @throws ConfigError naming every fault at once */
export function parseConfig(
  written: unknown,
  { baseFolder, env = {} }: { baseFolder: string; env?: z.input<typeof Env> },
): Config {
  const overlaid = layOver(written, env);
  const { data: config, error } = Config.safeParse(overlaid);
  if (error) throw new ConfigError(`The configuration is not valid:\n${z.prettifyError(error)}`);
  config.storage.path = resolve(baseFolder, config.storage.path);
  config.publishRoots = config.publishRoots.map((root) => resolve(baseFolder, root));
  for (const name of ['python', 'workFolder', 'blankProject'] as const) {
    const path = config.arcpy[name];
    if (path?.includes('/')) config.arcpy[name] = resolve(baseFolder, path); // a bare name is looked up in PATH
  }
  for (const sealing of config.sealing.keys) {
    if ('file' in sealing.key) sealing.key = { file: resolve(baseFolder, sealing.key.file) };
  }
  for (const [name, secret] of Object.entries(config.secrets)) {
    if ('file' in secret) config.secrets[name] = { file: resolve(baseFolder, secret.file) };
  }
  for (const site of Object.values(config.sites)) {
    if (site.tls.ca) site.tls.ca = resolve(baseFolder, site.tls.ca);
    if ('file' in site.auth.password) {
      site.auth.password = { file: resolve(baseFolder, site.auth.password.file) };
    }
  }
  return config;
}

function layOver(written: unknown, env: z.input<typeof Env>): unknown {
  if (written === null || typeof written !== 'object' || Array.isArray(written)) return written;
  const file = written as { http?: object; redis?: object; log?: object };
  const http = {
    ...(env.PRESSROOM_HTTP_HOST && { host: env.PRESSROOM_HTTP_HOST }),
    ...(env.PRESSROOM_HTTP_PORT && { port: Number(env.PRESSROOM_HTTP_PORT) }),
    ...(env.PRESSROOM_PUBLIC_URL && { publicUrl: env.PRESSROOM_PUBLIC_URL }),
  };
  return {
    ...file,
    http: { ...file.http, ...http },
    redis: { ...file.redis, ...(env.PRESSROOM_REDIS_URL && { url: env.PRESSROOM_REDIS_URL }) },
    log: { ...file.log, ...(env.PRESSROOM_LOG_LEVEL && { level: env.PRESSROOM_LOG_LEVEL }) },
  };
}
