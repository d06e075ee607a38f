import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type TestCertificate = { key: string; cert: string; file: string; remove(): Promise<void> };

/** A self-signed certificate for a name, made by `openssl`; undefined on machines without it. */
export async function makeTestCertificate(
  name: string,
  subjectAltName: string,
): Promise<TestCertificate | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'test-certificate-'));
  const [keyFile, file] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const remove = () => rm(folder, { recursive: true, force: true });
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  args.push(
    '-nodes',
    '-days',
    '2',
    '-subj',
    `/CN=${name}/O=Test`,
    '-keyout',
    keyFile,
    '-out',
    file,
  );
  args.push('-addext', `subjectAltName=${subjectAltName}`);
  try {
    await run('openssl', args);
  } catch {
    await remove();
    return undefined;
  }
  const [key, cert] = await Promise.all([readFile(keyFile, 'utf8'), readFile(file, 'utf8')]);
  return { key, cert, file, remove };
}
