# What people and CI run. Everything is installed by the project's own files; `make help` lists the targets.
STACK ?= local
PYTHON ?= python3
BASE ?= origin/main
IMAGE ?= contentgen:dev
BASE_IMAGE := python:3.12-slim-bookworm
REAL := $(if $(filter real,$(TARGET)),--real)
CONTENTGEN := .venv/bin/contentgen

PYTEST = .venv/bin/python -m pytest
STACK_TIERS = tests/delivery tests/engine tests/upgrade
# Three regions take both cores.
ALONE = tests/engine/test_prod.py tests/engine/test_ordinary_user.py

.PHONY: help environment up dev preview refresh down rotate status doctor tools test test-fast test-service lint requirements prove generated new-product pr-check drift image push promote kubeconfig stacks plan release rollback release-checklist updates vulnerabilities comment policy workflows bench lock

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## / - /'

environment: ## the virtual environment, made or brought up to date
	@$(PYTHON) ops/bootstrap.py

up: environment ## deploy STACK (default local) onto the embedded cloud; REFRESH=1 undoes what was changed by hand
	@echo "deploying $(STACK) onto the embedded cloud"
	@$(CONTENTGEN) up --stack $(STACK) $(if $(REFRESH),--refresh)

dev: environment ## edit app/ and see it run in STACK's pods, with all their logs; brings it up first
	@$(CONTENTGEN) dev --stack $(STACK)

preview: environment ## what `up` would change in STACK
	@$(CONTENTGEN) preview --stack $(STACK)

refresh: environment ## read a running STACK back
	@$(CONTENTGEN) refresh --stack $(STACK)

down: environment ## stop and remove STACK, or every stack when none is named; ORDERED=1 destroys each resource first, as on a real cloud
	@$(CONTENTGEN) down $(if $(filter command%,$(origin STACK)),--stack $(STACK)) $(if $(ORDERED),--ordered)

rotate: environment ## renew the passwords of a running STACK's stores without downtime
	@$(CONTENTGEN) rotate --stack $(STACK)

status: environment ## what runs where
	@$(CONTENTGEN) status

doctor: environment ## each tool, its version, where it came from, what is missing
	@$(CONTENTGEN) doctor

lint: environment ## style, types, imports, generated files
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/lint-imports
	@.venv/bin/pyrefly check
	@$(CONTENTGEN) generate --check

tools: environment ## fetch or build every tool, those of the tests too, so that nothing is built later
	@$(CONTENTGEN) tools

test: environment ## every tier of tests, two processes beside each other but for the production stack, then the requirements they prove
	@mkdir -p reports; rm -f reports/tests*.xml
	@trap 'exit 130' INT TERM; failed=0; \
	$(PYTEST) tests $(STACK_TIERS:%=--ignore=%) -n 2 --dist loadfile --junitxml=reports/tests-beside.xml || failed=1; \
	$(PYTEST) $(STACK_TIERS) $(ALONE:%=--ignore=%) -n 2 --dist loadfile --durations=25 --durations-min=30 --junitxml=reports/tests-stacks.xml || failed=1; \
	$(PYTEST) $(ALONE) --durations=10 --durations-min=30 --junitxml=reports/tests-alone.xml || failed=1; \
	.venv/bin/python -m tests.joined reports/tests.xml reports/tests-beside.xml reports/tests-stacks.xml reports/tests-alone.xml || failed=1; \
	$(CONTENTGEN) requirements || failed=1; exit $$failed

test-fast: environment ## unit and policy tiers: seconds
	@mkdir -p reports
	@.venv/bin/python -m pytest tests/unit tests/policies -n auto --dist worksteal --junitxml=reports/tests.xml

test-service: environment ## the service on real stores, by the Python of PYTHON: 3.12 as in the image, 3.11 or newer
	@mkdir -p reports
	@.venv/bin/python -m pytest tests/app --junitxml=reports/service.xml

requirements: environment ## which requirements the last test run proved
	@$(CONTENTGEN) requirements

prove: environment ## break the code mutant by mutant and see that the tests of ROW (default all) notice; TIER=engine with deployed stacks
	@$(CONTENTGEN) prove $(foreach row,$(ROW),--row $(row)) $(if $(TIER),--tier $(TIER))

generated: environment ## write the files that are made from the code
	@$(CONTENTGEN) generate

new-product: environment ## a new product NAME that works at once, see docs/bring-your-own.md; SHORT begins its names in AWS
	@$(CONTENTGEN) new product $(NAME) $(SHORT:%=--short %)
	@$(CONTENTGEN) generate

pr-check: environment ## what this checkout changes against BASE, for every stack, as one comment; ROLLBACK=no without the way back
	@$(CONTENTGEN) pr-check --base $(BASE) $(if $(filter command%,$(origin STACK)),--stack $(STACK)) $(if $(filter no,$(ROLLBACK)),--no-rollback)

drift: environment ## what differs between a running STACK and what was declared
	@$(CONTENTGEN) drift --stack $(STACK) $(REAL) $(if $(ISSUE_IN),--issue-in $(ISSUE_IN))

image: ## the application's image, by docker, on the base that PYTHON_DIGEST=sha256:... names; STAGE=video-gateway makes that product's
	@test -n "$(PYTHON_DIGEST)" || { echo "PYTHON_DIGEST is not set: give the digest of $(BASE_IMAGE), sha256:..."; exit 2; }
	@docker build --tag $(IMAGE) $(if $(STAGE),--target $(STAGE)) --build-arg PYTHON_DIGEST=$(PYTHON_DIGEST) --build-arg VERSION=$(or $(VERSION),dev) \
		--build-arg GIT_SHA=$$(git rev-parse HEAD) --build-arg BUILD_DATE=$$(date -u +%Y-%m-%dT%H:%M:%SZ) .

push: environment ## push IMAGE to its registry, by the digest that reports/image.txt then has, when its scan allows it
	@$(CONTENTGEN) push $(IMAGE)

promote: environment ## the digest that staging runs, for production, in reports/image.txt; when it has this checkout's files
	@$(CONTENTGEN) promote

kubeconfig: environment ## the contexts of STACK's clusters in reports/kubeconfig, for a machine that has none
	@$(CONTENTGEN) kubeconfig --stack $(STACK)

plan: environment ## the plan of a release of STACK on the real cloud, and the comment that tells what is in it
	@$(CONTENTGEN) plan --stack $(STACK) --real

release: environment ## apply the plan of STACK on the real cloud; back by itself when it fails, to BACK_TO or to what ran before
	@$(CONTENTGEN) release --stack $(STACK) --real $(if $(BACK_TO),--back-to $(BACK_TO))

rollback: environment ## go back to TO, or to the release before the running one, of STACK on the real cloud
	@$(CONTENTGEN) rollback --stack $(STACK) --real $(if $(TO),--to $(TO)) $(if $(TO_IMAGE),--image $(TO_IMAGE))

stacks: environment ## the stacks of ENVIRONMENT (default every real one), of all products, for a workflow's matrix; ONLY names some
	@$(CONTENTGEN) stacks $(ENVIRONMENT:%=--environment %) --only "$(ONLY)"

release-checklist: environment ## the pull request of the weekly release, with the questions that people answer
	@$(CONTENTGEN) propose --repository $(REPOSITORY)

updates: environment ## propose newer dependencies (after make lock UPGRADE=1) and a newer base image to REPOSITORY
	@digest=$$(docker buildx imagetools inspect $(BASE_IMAGE) --format '{{.Manifest.Digest}}') && \
		$(CONTENTGEN) updates --repository $(REPOSITORY) --base-digest "$$digest"

vulnerabilities: environment ## what SCANS, Trivy's reports, found, as one issue of ISSUE_IN
	@$(CONTENTGEN) vulnerabilities $(SCANS) $(if $(ISSUE_IN),--issue-in $(ISSUE_IN))

comment: environment ## write one comment from the reports in COMMENTS to the pull request of REPOSITORY
	@$(CONTENTGEN) comment $(COMMENTS) --repository $(REPOSITORY)

policy: environment ## the policy pack on what every stack declares, without an engine
	@.venv/bin/python -m pytest -q tests/policies

workflows: environment ## the workflows, by actionlint
	@.venv/bin/python -m pytest -q tests/workflows

bench: environment ## measure, and write docs/benchmarks.md
	@.venv/bin/python -m tests.bench $(ONLY)

lock: environment ## resolve requirements.lock anew; UPGRADE=1 to the newest versions
	@.venv/bin/uv pip compile pyproject.toml localcloud/pyproject.toml $(if $(UPGRADE),--upgrade) --all-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o requirements.lock
