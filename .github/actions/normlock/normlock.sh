#!/usr/bin/env bash
# What the action does: verify, and show what a change does to the locks. action.yml names the variables that it reads.
# The exit code is the worse of `normlock verify` and `normlock gate`: the differences inform, these two decide.
set -euo pipefail

marker="<!-- normlock ${GITHUB_JOB:-} -->"
limit=60000  # bytes; a comment has room for 65,536 characters, a summary for 1 MiB
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
report=$work/report.md
PYTHON=${INPUT_PYTHON:-python}

# With the checkout on Python's path: the classes that an artifact needs may lie there.
normlock() { "$PYTHON" -m sklearn_normlock "$@"; }

lines() { tr -d '\r' <<<"$1" | sed '/^[[:space:]]*$/d'; }  # the lines of an input

warn() { echo "::warning title=normlock::$1"; }

# The artifacts and the locks of `pull_request_target` are somebody else's, the secrets are yours, and to open an artifact
# may be to run it: a lock that came with it doesn't make it safe.
if [[ ${GITHUB_EVENT_NAME:-} == pull_request_target ]]; then
  echo "::error title=normlock::Not on pull_request_target: artifacts of a fork would be opened where secrets are."
  exit 2
fi

# -- verify ------------------------------------------------------------------------------------------------------------

# Not looked for in the checkout, where a folder may have the same name.
if ! (cd "$work" && "$PYTHON" -c 'import sklearn_normlock') 2>/dev/null; then
  "$PYTHON" -m pip install --quiet --disable-pip-version-check "$GITHUB_ACTION_PATH/../../.."
fi

options=(--format github) paths=()
while IFS= read -r line; do paths+=("$line"); done < <(lines "${INPUT_PATH:-}")
while IFS= read -r line; do options+=("--trusted=$line"); done < <(lines "${INPUT_TRUSTED:-}")
# Not given is "any"; given and empty is a secret or a variable that isn't there, and would accept whatever is locked.
expect=$(tr -d '[:space:]' <<<"${INPUT_EXPECT-any}")
if [[ -z $expect ]]; then
  echo "::error title=normlock::The input expect is empty: a secret or a variable that isn't set? Leave the input out, or say any, to accept every fingerprint that a lock names."
  exit 64
fi
if [[ $expect != any ]]; then options+=("--expect=$expect"); fi
case ${INPUT_UNLOCKED:-false} in
  true) options+=(--allow-unlocked) ;;
  false) ;;
  *) echo "::error title=normlock::The input allow-unlocked is true or false."; exit 64 ;;
esac
if [[ ${#paths[@]} == 0 ]]; then
  echo "::error title=normlock::Say with the input path what to verify."
  exit 64
fi

# The runner takes a line for a command that begins with :: behind any blanks, or has ##[ anywhere; and a carriage return
# ends a line for it. Only an annotation of ours goes through as one; a bar stands before every other line.
tame() {
  LC_ALL=C awk '{
    count = split($0, parts, "\r")
    for (i = 1; i <= count; i++) {
      line = parts[i]
      gsub(/##\[/, "# #[", line)
      if (count > 1 || line !~ /^::(notice|warning|error) (title=normlock|file=)[^:]*::/) line = "| " line
      print line
    }
    fflush()
  }'
}

code=0
normlock verify "${options[@]}" -- "${paths[@]}" 2>&1 | tame | tee "$work/verified" || code=${PIPESTATUS[0]}
# A verdict is said: an interpreter that runs nothing ends with 0, too.
if [[ $code == 0 ]] && ! grep -q '^::' "$work/verified"; then
  echo "::error title=normlock::Nothing was verified: the input python does not run normlock."
  code=3
fi
case $code in
  0) verdict='✅ every artifact is what its lock says' ;;
  1) verdict='❌ mismatch' ;;
  2) verdict='⚠️ could not be checked' ;;
  3) verdict='⚠️ nothing was checked' ;;
  *) verdict="⚠️ failed with exit code $code" ;;
esac
{
  echo "### normlock: $verdict"
  echo
  echo '~~~~~~text'
  # The annotations as they read: without the command, and with their line breaks.
  awk '{ sub(/^\| /, ""); sub(/^::[a-z]+ [^:]*::/, ""); gsub(/%0D/, ""); gsub(/%0A/, "\n"); gsub(/%25/, "%"); gsub(/~~~/, "~ ~ ~"); print }' \
    "$work/verified"
  echo '~~~~~~'
} >"$report"

# -- may the new one replace the old one? ------------------------------------------------------------------------------

gate=()
while IFS= read -r line; do gate+=("$line"); done < <(lines "${INPUT_GATE:-}")
if [[ ${#gate[@]} != 0 ]]; then
  gated=0
  normlock gate --format markdown "${gate[@]}" >"$work/gate.md" 2>"$work/gate.err" || gated=$?
  { echo; cat "$work/gate.md" "$work/gate.err"; } >>"$report"
  case $gated in
    0) echo "::notice title=normlock gate::The new one may replace the old one." ;;
    1) echo "::error title=normlock gate::The new one must not replace the old one; the summary says why." ;;
    *) echo "::error title=normlock gate::Undecided or not run (exit code $gated); the summary says why." ;;
  esac
  # A mismatch of either is a mismatch; else whatever is not a match.
  if [[ $gated == 1 || ($code == 0 && $gated != 0) ]]; then code=$gated; fi
fi

# -- the locks that changed --------------------------------------------------------------------------------------------

here() { git cat-file -e "$1^{commit}" 2>/dev/null; }

base=${INPUT_BASE:-} changed=0
if [[ $base =~ ^0*$ ]]; then
  echo "No base revision: locks are compared with nothing."
elif [[ $base == -* ]]; then
  warn "The base revision '${base//[^[:alnum:]_.-]/?}' is not one."
elif ! here "$base" && ! git fetch --quiet --no-tags --depth=1 origin "$base" 2>/dev/null; then
  warn "The base revision isn't in this checkout and can't be fetched; changed locks are not shown."
else
  here "$base" || base=FETCH_HEAD
  # What this revision changed, and not what has happened on the other branch; a shallow checkout doesn't know.
  base=$(git merge-base "$base" HEAD 2>/dev/null || git rev-parse "$base^{commit}")
  while IFS= read -r -d '' status && IFS= read -r -d '' path; do
    changed=$((changed + 1))
    name=$(printf '%s' "$path" | tr -d '`\000-\037')
    printf '\n#### %s\n\n' "\`$name\`" >>"$report"
    if [[ $status != A ]]; then git show "$base:$path" 2>/dev/null >"$work/old.normlock.json"; fi
    if [[ $status != D ]]; then git show "HEAD:$path" 2>/dev/null >"$work/new.normlock.json"; fi
    case $status in
      A)
        printf '🆕 A new lock.\n\n'
        normlock show "$work/new.normlock.json" | sed -n '1,2s/^/    /p' || echo '⚠️ It can not be read.'
        ;;
      D) echo '🗑️ Deleted: nothing says any more what was approved.' ;;
      *)
        normlock diff "$work/old.normlock.json" "$work/new.normlock.json" --format markdown || [[ $? == 1 ]] ||
          echo '⚠️ They can not be compared: one of the two can not be read.'
        ;;
    esac >>"$report" 2>/dev/null
  done < <(git diff --name-status --no-renames -z "$base" HEAD -- '*.normlock.json')
fi
if [[ $changed == 0 ]]; then printf '\nNo lock changed.\n' >>"$report"; fi

# -- tell --------------------------------------------------------------------------------------------------------------

if [[ $(wc -c <"$report") -gt $limit ]]; then
  # Whole lines, so that no character is cut in two.
  LC_ALL=C awk -v limit="$limit" '{ size += length($0) + 1 } size > limit { exit } { print }' "$report" >"$work/cut"
  printf '\n… and more: compare the locks of both revisions with normlock diff.\n' >>"$work/cut"
  mv "$work/cut" "$report"
fi
cat "$report" >>"${GITHUB_STEP_SUMMARY:-/dev/stdout}"
printf 'code=%s\nchanged=%s\n' "$code" "$changed" >>"${GITHUB_OUTPUT:-/dev/stdout}"

comment() {  # one comment a job, kept up to date; those of others are left alone
  local url  # behind `||` bash does not stop at what fails
  { echo "$marker"; cat "$report"; } >"$work/comment.md"
  url=$(gh pr view "$PULL_REQUEST" --repo "$GITHUB_REPOSITORY" --json comments --jq \
    "[.comments[] | select(.viewerDidAuthor and (.body | startswith(\"$marker\")))][0].url // empty") || return
  if [[ -n $url ]]; then
    gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/${url##*-}" -F "body=@$work/comment.md"
  elif [[ $code != 0 || $changed != 0 ]]; then
    gh pr comment "$PULL_REQUEST" --repo "$GITHUB_REPOSITORY" --body-file "$work/comment.md"
  fi
}

if [[ ${INPUT_COMMENT:-false} == true && -n ${PULL_REQUEST:-} ]]; then
  # A pull request from a fork has a token that can't write.
  comment >/dev/null || warn "The comment could not be written: it needs the permission pull-requests: write."
fi
exit "$code"
