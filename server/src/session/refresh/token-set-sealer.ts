import { hkdfSync } from 'node:crypto';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { z } from 'zod';
import type { TokenSet } from '../../auth-service/token-set.ts';

const Sealed = z.object({ accessToken: z.string(), refreshToken: z.string().nullable() });

/**
 * Encrypts the result of an exchange, so that only the holder of the old refresh token can decrypt it. The key is derived
 * from that token and the sealing secret (HKDF, RFC 5869); the encryption is A256GCM (RFC 7516).
 */
export const createTokenSetSealer = ({ sealingSecret }: { sealingSecret: string }) => {
  const salt = new Uint8Array(hkdfSync('sha256', sealingSecret, '', 'auth-bff refresh results', 32));
  const keyOf = (oldToken: string) => new Uint8Array(hkdfSync('sha256', oldToken, salt, 'auth-bff refresh result', 32));

  return {
    seal: ({ accessToken, refreshToken }: TokenSet, oldToken: string): Promise<string> =>
      new CompactEncrypt(new TextEncoder().encode(JSON.stringify({ accessToken, refreshToken })))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .encrypt(keyOf(oldToken)),

    /** Null: the text was sealed for another token or with another secret. */
    async open(sealed: string, oldToken: string): Promise<TokenSet | null> {
      try {
        const { plaintext } = await compactDecrypt(sealed, keyOf(oldToken), {
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
        });
        return Sealed.parse(JSON.parse(new TextDecoder().decode(plaintext)));
      } catch {
        return null;
      }
    },
  };
};

export type TokenSetSealer = ReturnType<typeof createTokenSetSealer>;
