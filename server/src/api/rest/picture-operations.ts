import { accountPicturePath, csrfHeader, csrfValue, maxPictureBytes, Profile } from '@auth-bff/shared';
import type { JsonSchema, JsonSchemas } from './json-schemas.ts';
import { headersWith, pictureProblemResponses } from './problem-responses.ts';

const types = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];

const [server, path] = [accountPicturePath.slice(0, '/bff'.length), accountPicturePath.slice('/bff'.length)];

/** The picture of the caller is not below `/bff/api`, so its operations name their own server. */
export const pictureOperations = (schemas: JsonSchemas): Record<string, Record<string, JsonSchema>> => {
  const common = {
    tags: ['account'],
    servers: [{ url: server }],
    security: [{ cookie: [] }, { bearer: [] }],
    parameters: [{ name: csrfHeader, in: 'header', required: true, schema: { type: 'string', const: csrfValue } }],
    responses: {
      200: {
        description: 'OK',
        headers: headersWith(),
        content: { 'application/json': { schema: schemas.output(Profile) } },
      },
      ...pictureProblemResponses(),
    },
  };
  return {
    [path]: {
      put: {
        ...common,
        operationId: 'accountSetPicture',
        summary: 'Sets the picture of the caller',
        description: `The body is the image itself, of at most ${maxPictureBytes} bytes. Its first bytes decide about the type, whatever Content-Type says.`,
        requestBody: { required: true, content: Object.fromEntries(types.map((type) => [type, {}])) },
      },
      delete: {
        ...common,
        operationId: 'accountRemovePicture',
        summary: 'Removes the picture of the caller',
      },
    },
  };
};
