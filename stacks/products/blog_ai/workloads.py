"""Workload of blog-ai (requirements K01, K05, Z05): API, page, worker and writer in one image."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from stacks.specs.workload import APPLICATION_PORT, FRONTEND_PORT, Pool, WorkloadSpec

APPLICATION: Final = "blog-ai"

LISTENING: Final = 4
"""Connections of a process that go round the pooler: it listens for jobs on them and stores their texts."""

DOCUMENTED: Final = MappingProxyType(
    {
        "BACKEND_PORT": str(APPLICATION_PORT),
        "FRONTEND_PORT": str(FRONTEND_PORT),
        "RATE_LIMIT_ENABLED": "true",
        "RATE_LIMIT_GENERAL": "60",
        "RATE_LIMIT_GENERATION": "10",
        "HTTPS_REDIRECT_ENABLED": "true",
        "SECURITY_ENABLED": "true",
        "SECURITY_HSTS_ENABLED": "true",
    }
)
"""Document E's config map, beside what every workload has; its models are retired, so the application chooses."""

WORKLOADS: Final = (
    WorkloadSpec(
        name=APPLICATION,
        arguments=("serve", "--role", "blog-ai"),
        pool=Pool(5, 5),
        memory_request="512Mi",
        cpu_request="500m",
        public=True,
        page_port=FRONTEND_PORT,
        direct=LISTENING,
        hashed_by_uri=True,
        reaches_outside=True,
        uses_llm_keys=True,
        uses_research_keys=True,
        holds_application_keys=True,
        takes_payments=True,
        variables=DOCUMENTED,
    ),
)
BACKEND, FRONTEND = WORKLOADS[0].services

VARIABLES: Final = MappingProxyType(
    {
        "RATE_LIMIT_PER_MINUTE": "RATE_LIMIT_GENERAL",
        "RATE_LIMIT_GENERATE_PER_MINUTE": "RATE_LIMIT_GENERATION",
        "CORS_ORIGINS": "ALLOWED_ORIGINS",
        "DATABASE_MAX_OVERFLOW": "DATABASE_POOL_OVERFLOW",
    }
)
"""Document E's names for the platform's (requirement E14)."""
