import { expect } from 'vitest';
import { test as base } from '../../test/support/lent-site.ts';
import { makeTestCertificate, type TestCertificate } from '../../test/support/test-certificate.ts';
import { startService } from './service-changes.ts';
import { readMachines } from './site-reader.ts';

const machines = { '/arcgis/admin/machines': () => ({ body: { machines: [] } }) };

const test = base.extend<{ certificateFor: (subjectAltName: string) => Promise<TestCertificate> }>({
  certificateFor: async ({ skip }, use) => {
    const made: TestCertificate[] = [];
    await use(async (subjectAltName) => {
      const certificate = await makeTestCertificate('gis.example.org', subjectAltName);
      if (!certificate) return skip('openssl is not installed on this machine');
      made.push(certificate);
      return certificate;
    });
    for (const certificate of made) await certificate.remove();
  },
});

test('does not trust a self-signed certificate, and shows what it is', async ({
  lend,
  certificateFor,
}) => {
  const tls = await certificateFor('DNS:gis.example.org,IP:127.0.0.1');
  const { site, wire } = await lend({ tls, script: machines });

  await expect(readMachines(site)).rejects.toMatchObject({
    code: 'site_error',
    again: 'never',
    message: expect.stringContaining('sites.demo.tls.ca'),
    facts: {
      certificate: {
        names: ['DNS:gis.example.org', 'IP Address:127.0.0.1'],
        issuer: 'Test, gis.example.org',
        validTo: expect.stringContaining('GMT'),
      },
    },
  });
  expect(wire.heard).toEqual([]);
});

test('trusts the authority of the configuration', async ({ lend, certificateFor }) => {
  const tls = await certificateFor('IP:127.0.0.1');
  const { site } = await lend({ tls, config: { tls: { ca: tls.file } }, script: machines });

  await expect(readMachines(site)).resolves.toEqual([]);
});

test('minds the name even where the authority is trusted', async ({ lend, certificateFor }) => {
  const tls = await certificateFor('DNS:gis.example.org');
  const { site } = await lend({ tls, config: { tls: { ca: tls.file } }, script: machines });
  const roads = { folder: '', serviceName: 'Roads', type: 'MapServer' };

  const asking = [readMachines(site), startService(site, roads)];

  for (const asked of asking) {
    await expect(asked).rejects.toMatchObject({
      again: 'never',
      message: expect.stringContaining('DNS:gis.example.org'),
    });
  }
});

test('takes any certificate when told to', async ({ lend, certificateFor }) => {
  const tls = await certificateFor('DNS:gis.example.org');
  const { site } = await lend({
    tls,
    config: { tls: { insecureSkipVerify: true } },
    script: machines,
  });

  await expect(readMachines(site)).resolves.toEqual([]);
});

test('says which file of an authority cannot be read', async ({ lend }) => {
  const { site } = await lend({ config: { tls: { ca: '/nowhere/ca.pem' } }, script: machines });

  await expect(readMachines(site)).rejects.toMatchObject({
    code: 'site_error',
    message: expect.stringContaining('sites.demo.tls.ca'),
  });
});

test('sends no password without TLS to a token service that a TLS site names', async ({
  lend,
  certificateFor,
}) => {
  const plain = await lend();
  const tls = await certificateFor('IP:127.0.0.1');
  const tokenServicesUrl = `${plain.wire.url}/tokens/`;
  const { site } = await lend({
    tls,
    config: { tls: { ca: tls.file } },
    script: {
      '/arcgis/rest/info': () => ({
        body: { owningSystemUrl: plain.wire.url, authInfo: { tokenServicesUrl } },
      }),
    },
  });

  await expect(readMachines(site)).rejects.toThrow('passwords are not sent there');
  expect(plain.wire.heard).toEqual([]);
});
