/** The operator's rules for configurations, by settings. */
export interface ConfigRules {
  /** SECRET_NAMES: variables that every tenant's configuration may refer to, besides its own. */
  secretNames: readonly string[];
  /** PRIVATE_URLS: whether URLs and hosts inside a network are accepted, for development. */
  allowsPrivateUrls: boolean;
}

/** The rules of an installation that sets nothing. */
export const strictConfigRules: ConfigRules = { secretNames: [], allowsPrivateUrls: false };
