-- Secret keys of AWS have 40 characters, and 24 random bytes in base64 have 32: three turns are enough at these lengths. + counts as a turn.
CREATE OR REPLACE FUNCTION registry_find_secret(key text, value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $secret$
  SELECT CASE
    WHEN value = '' OR value ~ '^\$\{[A-Za-z_][A-Za-z0-9_]*\}$' THEN NULL
    WHEN lower(regexp_replace(key, '([a-z0-9])([A-Z])', '\1_\2', 'g'))
      ~ '(^|[^a-z0-9])(secret|token|password|passwd|pwd|passphrase|credentials?|(api|anon|service|private|secret|access|auth|account|signing|encryption)[^a-z0-9]?key)$'
      THEN 'a secret'
    WHEN value ~ '-----BEGIN [A-Z0-9 ]+-----' THEN 'a PEM block'
    WHEN value ~ 'eyJ[A-Za-z0-9_-]{0,255}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+' THEN 'a JSON Web Token'
    WHEN value ~ '[A-Za-z][A-Za-z0-9+.-]{0,30}://[^/?#@\s]{0,200}:[^/?#@\s]{1,200}@' THEN 'a URL with a password'
    WHEN value ~* '[?&](access_token|token|api_?key|key|sig|signature|secret|password|code|x-amz-signature)=[^&#\s]{8}'
      THEN 'a URL with a key in it'
    WHEN value ~ 'hooks\.slack\.com/services/|discord(app)?\.com/api/webhooks/' THEN 'a webhook URL, which anyone who knows it can call'
    WHEN value ~ '(^|[^A-Za-z0-9_])(SG\.[A-Za-z0-9_-]{6}|sk-[A-Za-z0-9_-]{12}|(sk|pk|rk)_(live|test)_[A-Za-z0-9]{8}|(AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12}|AIza[A-Za-z0-9_-]{20}|ya29\.|gh[pousr]_[A-Za-z0-9]{16}|github_pat_|glpat-|xox[abeoprs]-|xapp-|sb[ps]_[A-Za-z0-9_]{16}|sb_secret_|shp(at|ca|pa|ss)_|npm_[A-Za-z0-9]{16}|hf_[A-Za-z0-9]{16}|dop_v1_|whsec_|sq0[a-z]{3}-|EAAC[A-Za-z0-9]{10}|(SK|AC)[0-9a-f]{32}|key-[0-9a-f]{32}|re_[A-Za-z0-9]{16}|pat-[a-z]{2}[0-9]-|vault:v[0-9]|hvs\.|trk_[A-Za-z0-9_-]{16})'
      THEN 'a key of a known service'
    WHEN value ~ '(^|[^A-Za-z])(Bearer|Basic) +[A-Za-z0-9+/=._~-]{12}' THEN 'an Authorization header'
    WHEN value ~* $re$(password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|account ?key|shared ?access ?key)["']? *[:=] *["']?[^\s"'$]{6}$re$
      THEN 'a password or key in a text'
    WHEN EXISTS (
      SELECT FROM regexp_matches(
        regexp_replace(value, 'https?://[^\s?#]+|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}', ' ', 'g'),
        '[A-Za-z0-9+/_-]{16,}', 'g') AS run
      WHERE regexp_count(run[1], '[A-Za-z](?=[0-9+])|[0-9+](?=[A-Za-z])|[a-z](?=[A-Z]($|[^a-z]|[a-z]($|[^a-z])))') >= CASE WHEN length(run[1]) IN (32, 40) THEN 3 ELSE 5 END)
      THEN 'a random key'
  END
$secret$;
