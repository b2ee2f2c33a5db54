#!/bin/sh
# Are our rules Sigma? Validates rules/*.yaml against the specification's own JSON Schemas, when they lie beside the
# project and python3 has yaml and jsonschema; says "skipped" otherwise.
cd "$(dirname "$0")/.." || exit 1
schemas=../shared/referees
if [ ! -r "$schemas/sigma-detection-rule-schema.json" ] || ! python3 -c 'import yaml, jsonschema' 2>/dev/null; then
	echo "sigma schema: 0 passed, 0 failed, 1 skipped (no schema, or python3 without yaml and jsonschema)"
	exit 0
fi
exec python3 - "$schemas" rules/*.yaml <<'PY'
import json, sys, yaml, jsonschema
validators = {}
for kind, name in (("detection", "detection-rule"), ("correlation", "correlation-rules"), ("filter", "filters")):
    schema = json.load(open(f"{sys.argv[1]}/sigma-{name}-schema.json"))
    validators[kind] = jsonschema.validators.validator_for(schema)(schema, format_checker=jsonschema.FormatChecker())
count = failed = 0
for path in sys.argv[2:]:
    if path.endswith(("/severity.yaml", "/verdict.yaml", "/incident.yaml", "/ambient.yaml")):
        continue
    for document in yaml.safe_load_all(open(path)):
        count += 1
        kind = next((k for k in ("correlation", "filter") if k in document), "detection")
        for error in validators[kind].iter_errors(document):
            failed += 1
            print(f"{path}: {document.get('name')}: {error.message}")
print(f"sigma schema: {count - min(failed, count)} passed, {failed} failed")
sys.exit(failed or not count)
PY
