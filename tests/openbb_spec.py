"""What OpenBB Workspace reads of `widgets.json` and `apps.json`, as its reference of them says.

Written from docs.openbb.co, *JSON specs*, and from no code of the desk; unknown keys are faults.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

Text = Annotated[str, Field(min_length=1)]
Plain = str | int | float | bool | None


class Strict(BaseModel):
    """Nothing that the reference does not name."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Grid(Strict):
    """Units of a grid of 40 columns."""

    w: Annotated[int, Field(ge=10, le=40)]
    h: Annotated[int, Field(ge=4, le=100)]
    minW: int | None = None  # noqa: N815 - as it is spelled there
    minH: int | None = None  # noqa: N815


class GroupBy(Strict):
    """The parameter that a click on a cell gives its value."""

    paramName: Text  # noqa: N815
    valueField: str | None = None  # noqa: N815


class Rendering(Strict):
    """What a rendered cell does."""

    actionType: Literal["groupBy"]  # noqa: N815
    groupBy: GroupBy  # noqa: N815


class ColumnDefinition(Strict):
    """One column of a table."""

    field: Text
    headerName: Text  # noqa: N815
    cellDataType: Literal["text", "number", "boolean", "date", "dateString", "object"]  # noqa: N815
    chartDataType: Literal["category", "series", "time", "excluded"] | None = None  # noqa: N815
    formatterFn: (  # noqa: N815
        Literal["int", "none", "percent", "normalized", "normalizedPercent", "dateToYear"] | None
    ) = None
    decimalPlaces: int | None = None  # noqa: N815
    renderFn: (  # noqa: N815
        Literal["greenRed", "titleCase", "hoverCard", "cellOnClick", "columnColor"] | None
    ) = None
    renderFnParams: Rendering | None = None  # noqa: N815
    pinned: Literal["left", "right"] | None = None
    width: int | None = None
    headerTooltip: Text | None = None  # noqa: N815

    @model_validator(mode="after")
    def _a_click_does_something(self) -> ColumnDefinition:
        assert (self.renderFn == "cellOnClick") == (self.renderFnParams is not None)
        return self


class Table(Strict):
    """How a table is shown."""

    showAll: bool  # noqa: N815
    columnsDefs: Annotated[list[ColumnDefinition], Field(min_length=1)]  # noqa: N815


class TableData(Strict):
    """The data of a table."""

    table: Table


class Extra(Strict):
    """More of a choice."""

    description: str
    rightOfDescription: str | None = None  # noqa: N815


class Choice(Strict):
    """What may be chosen."""

    label: Text
    value: Plain
    extraInfo: Extra | None = None  # noqa: N815


class Parameter(Strict):
    """What may be asked of a widget."""

    paramName: Text  # noqa: N815
    type: Literal["date", "text", "ticker", "number", "boolean", "endpoint", "form", "tabs"]
    label: Text
    description: Text
    value: Plain
    show: bool = True
    options: Annotated[list[Choice], Field(min_length=1)] | None = None
    optionsEndpoint: Text | None = None  # noqa: N815
    style: dict[Literal["popupWidth"], Annotated[int, Field(ge=200, le=1000)]] | None = None

    @model_validator(mode="after")
    def _choices_come_from_somewhere(self) -> Parameter:
        assert (self.type == "endpoint") == (self.optionsEndpoint is not None)
        return self


class Tool(Strict):
    """The tool of an MCP server that tells the same."""

    mcp_server: Text
    tool_id: Text


class WidgetDefinition(Strict):
    """One widget."""

    name: Text
    description: Text
    endpoint: Annotated[str, Field(pattern=r"^[a-z0-9_/]+$")]
    category: Text
    type: Literal["chart", "table", "markdown", "metric", "newsfeed"]
    gridData: Grid  # noqa: N815
    params: list[Parameter]
    source: list[str]
    refetchInterval: Annotated[int, Field(ge=1000)]  # noqa: N815
    staleTime: Annotated[int, Field(ge=1000)]  # noqa: N815
    data: TableData | None = None
    raw: bool | None = None
    mcp_tool: Tool | None = None

    @model_validator(mode="after")
    def _tables_have_columns(self) -> WidgetDefinition:
        assert (self.type == "table") == (self.data is not None)
        return self


class WidgetsFile(RootModel[dict[Text, WidgetDefinition]]):
    """`widgets.json`: an object by the widget's id, which an app refers to by its endpoint."""

    @model_validator(mode="after")
    def _named_by_their_endpoints(self) -> WidgetsFile:
        for name, widget in self.root.items():
            assert name == widget.endpoint.replace("/", "_")
        return self


class Placed(Strict):
    """A widget on a tab."""

    i: Text
    x: Annotated[int, Field(ge=0, le=39)]
    y: Annotated[int, Field(ge=0)]
    w: Annotated[int, Field(ge=10, le=40)]
    h: Annotated[int, Field(ge=4, le=100)]
    state: dict[str, Any] | None = None
    groups: list[Annotated[str, Field(pattern=r"^Group \d+$")]] = []

    def over(self, other: Placed) -> bool:
        """Whether two lie over each other."""
        across = self.x < other.x + other.w and other.x < self.x + self.w
        return across and self.y < other.y + other.h and other.y < self.y + self.h


class Tab(Strict):
    """One tab of an app."""

    id: str
    name: str
    layout: list[Placed]

    @model_validator(mode="after")
    def _none_lies_over_another(self) -> Tab:
        for place, one in enumerate(self.layout):
            assert one.x + one.w <= 40
            assert not any(one.over(other) for other in self.layout[place + 1 :])
        return self


class Group(Strict):
    """A parameter that several widgets share."""

    name: Annotated[str, Field(pattern=r"^Group \d+$")]
    type: Literal["param", "endpointParam"]
    paramName: Text  # noqa: N815
    defaultValue: Plain  # noqa: N815
    widgetIds: list[Text]  # noqa: N815


class App(Strict):
    """One app."""

    name: Text
    description: Text
    img: str
    img_dark: str
    img_light: str
    allowCustomization: bool  # noqa: N815
    tabs: dict[str, Tab]
    groups: list[Group]
    prompts: list[Text]


class AppsFile(RootModel[list[App]]):
    """`apps.json`: a list."""


class Metric(Strict):
    """One figure of a widget of metrics."""

    label: Text
    value: Text
    delta: str | None = None
    subvalue: str | None = None


class News(Strict):
    """One item of a newsfeed."""

    title: Text
    date: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d(T[\d:]{8}Z)?$")]
    author: Text
    excerpt: str
    body: Text
