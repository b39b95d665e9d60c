"""Every module that registers a command, an export, a job handler or a health check.

Importing this makes them known. A new one is named here; a test finds one that is forgotten.
"""

from __future__ import annotations

from core.service.access import admin as access_admin
from core.service.access import auditing
from core.service.activity import feed
from core.service.alerts import bell, delivering, telling
from core.service.alerts import rules as alert_rules
from core.service.assistant import tools
from core.service.brief import announcing
from core.service.brief import gather as brief
from core.service.care import automation, backing_up, drill, health_checks, retention, upkeep
from core.service.care import commands as care_commands
from core.service.cluster import answering
from core.service.filings import (
    companies,
    corrections,
    features,
    outside,
    quality,
    reconcile,
    regrading,
    texts,
)
from core.service.gaps import keeping, scans, statistics, text_reading
from core.service.kernel import export_list
from core.service.lists import lists, notes
from core.service.pulls import (
    backfill,
    datasets,
    imports,
    inbox,
    jobs,
    pull_jobs,
    refresh,
    upstreams,
)
from core.service.trading import (
    journal_commands,
    journal_jobs,
    openings,
    plan_commands,
    risk,
    trades,
)

REGISTERING = (
    tools,
    access_admin,
    auditing,
    feed,
    bell,
    delivering,
    telling,
    alert_rules,
    brief,
    announcing,
    answering,
    backing_up,
    drill,
    retention,
    upkeep,
    automation,
    outside,
    care_commands,
    export_list,
    lists,
    notes,
    health_checks,
    companies,
    corrections,
    features,
    quality,
    reconcile,
    regrading,
    text_reading,
    texts,
    keeping,
    scans,
    statistics,
    backfill,
    datasets,
    imports,
    inbox,
    jobs,
    pull_jobs,
    refresh,
    upstreams,
    journal_commands,
    journal_jobs,
    openings,
    plan_commands,
    risk,
    trades,
)
