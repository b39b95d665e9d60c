"""Buttons that are what they were at the last run: the message is kept, a press is asked for anew.

What a button draws follows from its arguments but for what a press of it calls; that, and whether
it was pressed, is registered at every run as Streamlit does.
"""

from __future__ import annotations

from dataclasses import replace
from functools import wraps
from typing import Any

from streamlit.delta_generator import DeltaGenerator
from streamlit.elements.lib.policies import check_session_state_rules
from streamlit.elements.lib.utils import save_for_app_testing
from streamlit.elements.widgets.button import ButtonSerde
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext
from streamlit.runtime.state import register_widget

from app.kept_elements import UNKNOWN, KeptElement, KeptElements

NAME = "_button"  # what every kind of button of Streamlit draws by
CALLED = ("on_click", "args", "kwargs")
SUBMITS = "form_submit_button"


class KeptButtons(KeptElements):
    """Draws as `plain` does, which draws every button; answers whether it was pressed."""

    def _known_by(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """What is drawn, and whether a press calls anything: which may not be so in a form."""
        call = kwargs.get("on_click")
        if args or not (call is None or callable(call)):
            return (UNKNOWN,)
        drawn = (v for name, v in kwargs.items() if name not in (*CALLED, "ctx"))
        return (*map(self._known, drawn), call is None, kwargs.get("ctx") is None)

    def _is_kept(self, drawn: Any) -> bool:
        return type(drawn) is bool

    def _keep(self, key: Any, made: KeptElement, kwargs: dict[str, Any]) -> None:
        kind = SUBMITS if kwargs["is_form_submitter"] else made.kind
        super()._keep(key, replace(made, kind=kind, source=None), kwargs)  # no callback is held

    def _draw_again(
        self,
        dg: DeltaGenerator,
        ctx: ScriptRunContext,
        kept: KeptElement,
        form: str,
        kwargs: dict[str, Any],
    ) -> Any:
        check_session_state_rules(default_value=None, key=kwargs["key"], writes_allowed=False)
        serde = ButtonSerde()
        with_ctx = kwargs.get("ctx")
        super()._draw_again(dg, ctx, kept, form, kwargs)
        state = register_widget(
            kept.identity,
            on_change_handler=kwargs.get("on_click"),
            args=kwargs.get("args"),
            kwargs=kwargs.get("kwargs"),
            deserializer=serde.deserialize,
            serializer=serde.serialize,
            ctx=with_ctx,
            value_type="trigger_value",
            disabled=kwargs.get("disabled", False),
        )
        if with_ctx:
            save_for_app_testing(with_ctx, kept.identity, state.value)
        return state.value


def keep_buttons(commands: type[DeltaGenerator]) -> None:
    """Let every button be drawn so; once."""
    now = getattr(commands, NAME)
    if hasattr(now, "kept"):
        return
    kept = KeptButtons(now)

    @wraps(now)
    def draw(
        place: DeltaGenerator, label: Any, key: Any, help: Any, is_form_submitter: bool, **how: Any
    ) -> Any:
        named = {"label": label, "key": key, "help": help, "is_form_submitter": is_form_submitter}
        return kept(place, (), named | how)

    draw.kept = kept  # type: ignore[attr-defined]
    setattr(commands, NAME, draw)
