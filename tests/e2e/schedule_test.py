#!/usr/bin/python3
"""When policies run, and what they remember while the agent is away."""

import sqlite3
import time
import unittest

from support import http_server
from support.scenario import Scenario

SYNCS = "refsyncd_syncs_total"
DAY = 86_400
YEAR = 366 * DAY


class Schedule(Scenario):
    """`app` is what the scenario is about; `well` is due every second, and so tells how much time has passed."""

    def setUp(self):
        super().setUp()
        self.app, self.well = self.upstream("app"), self.upstream("well")
        self.app.commit("main")
        self.well.commit("main")
        self.server = self.http_server()
        self.yearly = f"0 3 1 {(time.gmtime().tm_mon + 5) % 12 + 1} *"  # months away

    def configure(self, **policy):
        configuration = self.configuration(self.server.url(self.app), policy, {"repo": "well"})
        configuration["repos"]["well"] = {"upstream": {"url": f"file://{self.well.path}"}}
        return self.program(configuration)

    def start_after_two_years_away(self, program):
        """Starts an agent that believes it last ran the policy on schedule two years ago."""
        program.once("app-pull")
        with sqlite3.connect(program.state / "state.db") as connection:
            changed = connection.execute("UPDATE policy_states SET last_due = ? WHERE policy = 'app-pull'",
                                         [int((time.time() - 2 * YEAR) * 1000)])
            self.assertEqual(changed.rowcount, 1)
        connection.close()
        return self.start(program)

    def runs_within_two_seconds(self, agent):
        metrics = agent.wait_metric(SYNCS, 3, policy="well-pull", status="completed")
        return metrics.total(SYNCS, policy="app-pull")

    def test_a_calendar_policy_waits_for_its_first_time(self):
        hour = (time.gmtime().tm_hour + 12) % 24
        agent = self.start(self.configure(cron=f"0 {hour} * * *"))
        self.assertEqual(self.runs_within_two_seconds(agent), 0)
        due = agent.metrics().value("refsyncd_next_run_timestamp_seconds", policy="app-pull")
        self.assertEqual(due % DAY, hour * 3600)
        self.assertLessEqual(0, due - time.time())
        self.assertLessEqual(due - time.time(), DAY)

    def test_what_came_due_while_away_runs_once_and_not_in_a_burst(self):
        for schedule in ({"cron": self.yearly}, {"every": "8760h"}):
            with self.subTest(**schedule):
                agent = self.start_after_two_years_away(self.configure(**schedule))
                self.assertEqual(self.runs_within_two_seconds(agent), 1)
                self.assertEqual(agent.stop(), 0)

    def test_what_came_due_while_away_is_left_alone_without_catch_up(self):
        agent = self.start_after_two_years_away(self.configure(cron=self.yearly, catch_up=False))
        self.assertEqual(self.runs_within_two_seconds(agent), 0)

    def test_a_restart_is_no_reason_to_run_or_to_forget_failures(self):
        program = self.configure(every="8760h")
        self.server.fault = http_server.Status(401)
        agent = self.start(program)
        agent.wait_metric("refsyncd_consecutive_failures", policy="app-pull")
        due = agent.metrics().value("refsyncd_next_run_timestamp_seconds", policy="app-pull")
        self.assertEqual(agent.stop(), 0)
        requests = len(self.server.requests)
        agent = self.start(program)
        self.assertEqual(self.runs_within_two_seconds(agent), 0)
        self.assertEqual(len(self.server.requests), requests)
        metrics = agent.metrics()
        self.assertEqual(metrics.value("refsyncd_consecutive_failures", policy="app-pull"), 1)
        self.assertGreaterEqual(metrics.value("refsyncd_next_run_timestamp_seconds", policy="app-pull"), due)

    def test_an_interval_policy_runs_again_and_again_on_time(self):
        agent = self.start(self.configure(every="1s"))
        metrics = agent.wait_metric(SYNCS, 4, policy="app-pull", status="completed")
        late = metrics.total("refsyncd_schedule_lateness_seconds_sum")
        self.assertLess(late / max(1, metrics.total("refsyncd_schedule_lateness_seconds_count")), 1)


if __name__ == "__main__":
    unittest.main()
