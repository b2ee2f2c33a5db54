#!/bin/sh
# Are our rules Sigma? Validates rules/*.yaml against the specification's own JSON Schema, when it lies beside the
# project and python3 has yaml and jsonschema; says "skipped" otherwise.
cd "$(dirname "$0")/.." || exit 1
schema=../shared/referees/sigma-detection-rule-schema.json
if [ ! -r "$schema" ] || ! python3 -c 'import yaml, jsonschema' 2>/dev/null; then
	echo "sigma schema: 0 passed, 0 failed, 1 skipped (no schema, or python3 without yaml and jsonschema)"
	exit 0
fi
exec python3 - "$schema" rules/*.yaml <<'PY'
import json, sys, yaml, jsonschema
schema = json.load(open(sys.argv[1]))
validator = jsonschema.validators.validator_for(schema)(schema, format_checker=jsonschema.FormatChecker())
count = failed = 0
for path in sys.argv[2:]:
    if path.endswith(("/severity.yaml", "/verdict.yaml", "/incident.yaml", "/ambient.yaml")):
        continue
    for document in yaml.safe_load_all(open(path)):
        if "correlation" in document or "filter" in document:  # the schema is of rules about single events
            continue
        count += 1
        for error in validator.iter_errors(document):
            failed += 1
            print(f"{path}: {document.get('name')}: {error.message}")
print(f"sigma schema: {count - min(failed, count)} passed, {failed} failed")
sys.exit(failed or not count)
PY
