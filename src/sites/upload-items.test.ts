import { Readable } from 'node:stream';
import { expect } from 'vitest';
import { test } from '../../test/support/lent-site.ts';
import type { Answer } from '../../test/support/scripted-site.ts';
import {
  deleteUploadItem,
  findUploadItems,
  readServiceConfiguration,
  readUploadItem,
  uploadFile,
} from './upload-items.ts';

const upload = '/arcgis/admin/uploads/upload';
const item = {
  itemID: 'i7d0c',
  itemName: 'Roads.sd',
  description: 'pressroom:1',
  date: 1_766_000_000_000,
  committed: true,
};
const taken: Answer = { body: { status: 'success', item } };
const gone: Answer = {
  body: {
    status: 'error',
    messages: ["Could not find resource or operation 'i7d0c' on the system."],
    code: 404,
  },
};

function fileOf(content: Buffer | string) {
  const bytes = Buffer.from(content);
  return {
    fileName: 'Roads.sd',
    description: 'pressroom:1',
    sizeBytes: bytes.length,
    open: () => Readable.from([bytes]),
  };
}

test('sends one part for each field, the file last, and says how long it is', async ({ lend }) => {
  const { site, wire } = await lend({ script: { [upload]: () => taken } });

  const uploaded = await uploadFile(site, { ...fileOf('7z-bytes'), fileName: 'Rö"ads.sd' });

  const [heard] = wire.heardOf(upload);
  const boundary = /boundary=(.+)$/.exec(heard?.headers['content-type'] ?? '')?.[1];
  const lines = Buffer.from(heard?.bodyHead ?? '', 'latin1')
    .toString('utf8')
    .split('\r\n');
  expect(lines).toEqual([
    `--${boundary}`,
    'Content-Disposition: form-data; name="f"',
    '',
    'json',
    `--${boundary}`,
    'Content-Disposition: form-data; name="token"',
    '',
    'token-1',
    `--${boundary}`,
    'Content-Disposition: form-data; name="description"',
    '',
    'pressroom:1',
    `--${boundary}`,
    'Content-Disposition: form-data; name="itemFile"; filename="Rö%22ads.sd"',
    'Content-Type: application/octet-stream',
    '',
    '7z-bytes',
    `--${boundary}--`,
    '',
  ]);
  expect(heard?.headers).toMatchObject({
    'content-length': String(heard?.bodyBytes),
    referer: wire.url,
  });
  expect(heard?.headers['transfer-encoding']).toBeUndefined();
  expect(uploaded).toEqual({
    itemId: 'i7d0c',
    itemName: 'Roads.sd',
    description: 'pressroom:1',
    isCommitted: true,
    uploadedAt: 1_766_000_000_000,
  });
});

test('takes the id alone for an answer too', async ({ lend }) => {
  const { site } = await lend({
    script: { [upload]: () => ({ body: { status: 'success', item: 'i1' } }) },
  });

  await expect(uploadFile(site, fileOf('x'))).resolves.toMatchObject({ itemId: 'i1' });
});

test('an answer without an item leaves open what became of the upload', async ({ lend }) => {
  const { site } = await lend({ script: { [upload]: () => ({ body: { status: 'success' } }) } });

  await expect(uploadFile(site, fileOf('x'))).rejects.toMatchObject({ again: 'look' });
});

test('sends the file anew after the token was refused', async ({ lend }) => {
  const expired = { body: { status: 'error', messages: ['Token Expired.'], code: 498 } };
  const { site, wire } = await lend({
    script: { [upload]: (_, times) => (times === 1 ? expired : taken) },
  });

  await uploadFile(site, fileOf('whole file'));

  expect(wire.heardOf(upload).map(({ bodyTail }) => bodyTail.includes('whole file'))).toEqual([
    true,
    true,
  ]);
  expect(wire.heardOf(upload)[1]?.bodyHead).toContain('token-2');
});

test('holds little of a large file in memory', async ({ lend }) => {
  const { site, wire } = await lend({ script: { [upload]: () => taken } });
  const chunk = Buffer.alloc(2 ** 20, 7);
  const chunks = 256;
  let mostBytes = 0;
  let sentBytes = 0;
  const before = process.memoryUsage().arrayBuffers;
  function* content() {
    for (let index = 0; index < chunks; index += 1) {
      mostBytes = Math.max(mostBytes, process.memoryUsage().arrayBuffers - before);
      yield Buffer.from(chunk);
    }
  }
  const open = () => Readable.from(content(), { objectMode: false });

  await uploadFile(
    site,
    { ...fileOf(''), sizeBytes: chunks * chunk.length, open },
    {
      onSent: (bytes) => {
        sentBytes = bytes;
      },
    },
  );

  expect(sentBytes).toBe(chunks * chunk.length);
  expect(wire.heardOf(upload)[0]?.bodyBytes).toBeGreaterThan(sentBytes);
  expect(mostBytes).toBeLessThan(96 * 2 ** 20);
});

test('a file that cannot be read is a fault of ours, not of the site', async ({ lend }) => {
  const { site } = await lend({ script: { [upload]: () => taken } });
  const open = () =>
    new Readable({
      read() {
        this.destroy(new Error('disk on fire'));
      },
    });

  await expect(uploadFile(site, { ...fileOf('x'), open })).rejects.toThrow('disk on fire');
});

test.for([3, 300])(
  'a file that is not as long as announced is not sent (%i)',
  async (sizeBytes, { lend }) => {
    const { site } = await lend({ script: { [upload]: () => taken } });

    await expect(uploadFile(site, { ...fileOf('twelve bytes'), sizeBytes })).rejects.toThrow(
      `Roads.sd is not ${sizeBytes} bytes long any more`,
    );
  },
);

test('an upload whose answer is lost has an unknown outcome', async ({ lend }) => {
  const { site } = await lend({ script: { [upload]: () => 'cut' } });

  await expect(uploadFile(site, fileOf('x'))).rejects.toMatchObject({ again: 'look' });
});

test('finds the uploads with a description, and no others', async ({ lend }) => {
  const items = [
    { ...item, itemID: 'i2', date: 2 },
    { ...item, itemID: 'other', description: 'pressroom:11' },
    { ...item, itemID: 'none', description: null },
    { ...item, itemID: 'i1', date: 'Mon Jun 13 12:59:59 PDT 2011', committed: 'false' },
  ];
  const { site } = await lend({ script: { '/arcgis/admin/uploads': () => ({ body: { items } }) } });

  await expect(findUploadItems(site, 'pressroom:1')).resolves.toMatchObject([
    { itemId: 'i2', isCommitted: true, uploadedAt: 2 },
    { itemId: 'i1', isCommitted: false, uploadedAt: Date.UTC(2011, 5, 13, 19, 59, 59) },
  ]);
});

test('takes an upload that is gone for deleted, and for absent', async ({ lend }) => {
  const { site } = await lend({
    script: {
      '/arcgis/admin/uploads/i7d0c/delete': () => gone,
      '/arcgis/admin/uploads/i7d0c': () => gone,
    },
  });

  await expect(deleteUploadItem(site, 'i7d0c')).resolves.toBeUndefined();
  await expect(readUploadItem(site, 'i7d0c')).resolves.toBeUndefined();
});

test('does not take a refusal to delete for done', async ({ lend }) => {
  const refusal = { body: { status: 'error', messages: ['In use.'], code: 500 } };
  const { site } = await lend({
    script: { '/arcgis/admin/uploads/i7d0c/delete': () => refusal },
  });

  await expect(
    deleteUploadItem(site, { itemId: 'i7d0c', itemName: 'Roads.sd', isCommitted: true }),
  ).rejects.toMatchObject({ code: 'site_error' });
});

test('reads the configuration inside a definition with keys that nobody knows', async ({
  lend,
}) => {
  const body = { folderName: 'Transport', service: { serviceName: 'Roads', later: { x: [1] } } };
  const { site } = await lend({
    script: { '/arcgis/admin/uploads/i7d0c/serviceconfiguration.json': () => ({ body }) },
  });

  await expect(readServiceConfiguration(site, 'i7d0c')).resolves.toEqual(body);
});

test('an upload that is cut in the middle has an unknown outcome, and lets the file go', async ({
  lend,
}) => {
  const { site, wire } = await lend();
  const chunk = Buffer.alloc(2 ** 20);
  const source = new Readable({ read: () => {} });
  source.push(chunk);

  const uploading = uploadFile(site, {
    ...fileOf(''),
    sizeBytes: 3 * chunk.length,
    open: () => source,
  });
  await expect.poll(() => wire.cutConnections('/arcgis/admin/uploads/upload')).toBe(1);

  await expect(uploading).rejects.toMatchObject({ again: 'look' });
  await expect.poll(() => source.destroyed).toBe(true);
});
