"""Trade plans and the paper account: money, costs, trades, settlement, the ledger."""
