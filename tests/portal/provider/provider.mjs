// A certified OpenID Connect provider, as `oidc-provider` brings it, for soundstage.testing.openid.
//
// argv: a JSON file with { port, keys, client, people }. It is read anew whenever somebody signs
// in, so that what is said of people can change meanwhile. Everybody's password is good, and nobody
// is asked for consent. It prints a line when it listens.

import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.env.NODE_PATH}/`);
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')).href);

const read = () => JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { port, keys, client } = read();
const issuer = `http://localhost:${port}`;

const provider = new Provider(issuer, {
  clients: [client],
  jwks: { keys },
  cookies: { keys: ['for tests alone'] },
  pkce: { required: () => true },
  claims: {
    openid: ['sub'],
    profile: ['name', 'preferred_username', 'groups'],
    email: ['email', 'email_verified'],
  },
  ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Grant: 600, Session: 600 },
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: () => ({ ...(read().people[id] ?? {}), sub: id }),
  }),
  async loadExistingGrant(ctx) {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope('openid profile email');
    await grant.save();
    return grant;
  },
});

provider.listen(port, '127.0.0.1', () => console.log(`listens on ${issuer}`));
