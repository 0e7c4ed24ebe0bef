#!/usr/bin/python3
"""The commands that need no running agent: once, plan, check; and what a wrong configuration gets."""

import json
import os
import re
import signal
import subprocess
import unittest

from support import http_server
from support.git import branch, tag
from support.hosted import local_only
from support.scenario import Scenario
from support.wait import wait_until

MISTAKEN = """\
service:
  data_dir: {data}
defaults:
  every: soon
repos:
  app:
    upstrem:
      url: https://example.org/app.git
policies:
  - repo: ap
    direction: pull
    timeout: 5m
    timeout: 6m
"""


class CommandLine(Scenario):
    def setUp(self):
        super().setUp()
        self.app = self.upstream()
        self.tip = self.app.commits(2)
        self.url = f"file://{self.app.path}"

    def snapshot(self):
        """Every file below the repositories, with what could show a change."""
        return {str(p): (p.stat().st_size, p.stat().st_mtime_ns) for p in (self.data / "repos").rglob("*")}


class WrongConfiguration(CommandLine):
    def test_every_mistake_is_told_at_once_with_its_place(self):
        program = self.program(MISTAKEN.format(data=self.data))
        for command in ("run", "once", "check", "plan"):
            with self.subTest(command=command):
                done = program.run(command)
                self.assertEqual(done.returncode, 78, done.stderr)
                told = done.stdout + done.stderr
                for place in ("4:10", "7:5", "10:11", "13:5"):
                    self.assertIn(f"config.yaml:{place}: ", told)
                self.assertIn("'soon' is not a duration", told)
                self.assertIn("upstream", told)

    def test_a_file_that_does_not_exist_is_named_without_a_place_in_it(self):
        program = self.program(self.configuration(self.url))
        program.config_file.unlink()
        for command in ("check", "status"):
            done = program.run(command)
            self.assertEqual(done.returncode, 78)
            self.assertEqual(done.stderr, f"{program.config_file}: cannot be read: No such file or directory; "
                                          "name the configuration with --config\n")

    def test_only_a_regular_file_is_read(self):
        program = self.program(self.configuration(self.url))
        text = program.config_file.with_name("text.yaml")
        program.config_file.rename(text)
        program.config_file.symlink_to(text)
        self.assertEqual(program.run("check").returncode, 0)
        program.config_file.unlink()
        os.mkfifo(program.config_file)
        for command in ("check", "run", "status"):
            with self.subTest(command=command):
                done = program.run(command)
                self.assertEqual(done.returncode, 78)
                self.assertIn(f"{program.config_file}: not a regular file", done.stderr)


class Usage(CommandLine):
    def test_wrong_usage_exits_2(self):
        program = self.program(self.configuration(self.url))
        for arguments in (["nonsense"], ["sync"], ["sync", "app", "--direction", "sideways"]):
            with self.subTest(arguments=arguments):
                self.assertEqual(program.run(*arguments).returncode, 2)

    def test_an_unknown_command_is_named_with_the_nearest_one(self):
        program = self.program(self.configuration(self.url))
        done = program.run("statsu")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("there is no command 'statsu'; did you mean 'status'?", done.stderr)
        self.assertIn("there is no command 'bananas'\n", program.run("bananas").stderr)

    def test_the_help_of_each_command_lists_the_options_it_takes(self):
        program = self.program(self.configuration(self.url))
        for command in ("run", "once", "plan", "check", "status", "sync", "history", "reload"):
            with self.subTest(command=command):
                told = program.run(command, "--help").stdout
                self.assertIn("--config", told)
                self.assertEqual("--socket" in told, command in ("status", "sync", "history", "reload"))

    def test_the_configuration_may_be_named_before_the_command_or_after(self):
        program = self.program(self.configuration(self.url))
        for arguments in (["--config", program.config_file, "check"], ["check", "-c", program.config_file]):
            done = subprocess.run([program.command("check")[0], *arguments], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_each_glob_has_an_option_of_its_own(self):
        program = self.program(self.configuration(self.url))
        done = program.run("sync", "--direction", "pull", "--branches", "main", "--branches", "b", "--tags", "v*", "app")
        self.assertEqual(done.returncode, 69, done.stderr)  # understood; nobody is there

    def test_output_that_cannot_be_written_is_a_failure(self):
        program = self.program(self.configuration(self.url))
        for command in (["once", "--json"], ["check"], ["history", "--help"], ["--help"]):
            with self.subTest(command=command), open("/dev/full", "w") as full:
                done = subprocess.run(program.command(*command), cwd=program.folder, env=program.environment,
                                      stdout=full, stderr=subprocess.PIPE, text=True)
                self.assertEqual(done.returncode, 70)
                self.assertIn("No space left on device", done.stderr)


class Once(CommandLine):
    def configure_two(self, second_url):
        configuration = self.configuration(self.url, {}, {"repo": "other"})
        configuration["repos"]["other"] = {"upstream": {"url": second_url}}
        return self.program(configuration)

    def test_all_policies_run_and_each_prints_one_object(self):
        other = self.upstream("other")
        other.commit("main")
        results = self.configure_two(f"file://{other.path}").once()
        self.assertEqual({name: r["status"] for name, r in results.items()},
                         {"app-pull": "completed", "other-pull": "completed"})
        self.assertEqual({name: len(r["syncs"]) for name, r in results.items()}, {"app-pull": 1, "other-pull": 1})

    def test_one_failure_fails_the_command_and_not_the_others(self):
        results = self.configure_two(f"file://{self.folder}/missing.git").once(expect=1)
        self.assertEqual({name: r["status"] for name, r in results.items()},
                         {"app-pull": "completed", "other-pull": "failed"})
        failed = results["other-pull"]["syncs"][-1]
        self.assertEqual(failed["status"], "failed")
        self.assertTrue(failed["error"])
        self.assert_in_step(self.mirror(), self.app)

    def test_only_the_policies_that_are_named_run(self):
        program = self.configure_two(f"file://{self.folder}/missing.git")
        self.assertEqual(set(program.once("app-pull")), {"app-pull"})

    def test_an_unknown_policy_is_named(self):
        done = self.program(self.configuration(self.url)).run("once", "app-pul")
        self.assertNotIn(done.returncode, (0, 1))
        self.assertIn("app-pul", done.stderr)
        self.assertIn("app-pull", done.stderr)

    def test_rejected_refs_do_not_fail_the_command(self):
        program = self.program(self.configuration(self.url))
        program.once()
        self.app.commit("main", root=True)
        sync = program.once_sync()
        self.assert_outcomes(sync, {branch("main"): ("rejected", "non_fast_forward")})

    def test_failed_attempts_are_retried_and_all_told(self):
        server = self.http_server()
        failures = iter([500, 503])

        class FailTwice(http_server.Fault):
            def before(self, request, _):
                status = next(failures, None)
                return http_server.Response(status, [], b"busy") if status else None

        server.fault = FailTwice()
        retry = {"attempts": 3, "first": "100ms", "max": "200ms"}
        result = self.program(self.configuration(server.url(self.app), {"retry": retry})).once()["app-pull"]
        self.assertEqual(result["status"], "completed")
        self.assertEqual([sync["status"] for sync in result["syncs"]], ["failed", "failed", "completed"])

    def test_people_get_text_that_says_what_became_of_each_ref(self):
        done = self.program(self.configuration(self.url)).run("once")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("main", done.stdout + done.stderr)
        self.assertIn("updated", done.stdout + done.stderr)


class Interrupted(CommandLine):
    def setUp(self):
        super().setUp()
        self.server = self.http_server()
        self.server.fault = self.hold = http_server.Hold()
        self.program_ = self.program(self.configuration(self.server.url(self.app)))

    def interrupt(self, *arguments):
        """Ctrl-C in the middle: exit code, stdout and stderr."""
        running = subprocess.Popen(self.program_.command("once", *arguments), env=self.program_.environment,
                                   cwd=self.program_.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(running.kill)
        wait_until(self.hold.held.is_set, what="a sync in the middle")
        running.send_signal(signal.SIGINT)
        stdout, stderr = running.communicate(timeout=60)
        return running.returncode, stdout, stderr

    def test_it_says_that_what_was_not_over_goes_on_later(self):
        self.assertEqual(self.interrupt(), (1, "", "refsyncd: interrupted; app-pull goes on at the next start\n"))

    @local_only("it is a sync of the hosting service, which has it queued or in progress")
    def test_the_unfinished_sync_is_told_and_kept(self):
        code, stdout, stderr = self.interrupt("--json")
        self.assertEqual(code, 1, stderr)
        self.assertIn("app-pull goes on at the next start", stderr)
        told = json.loads(stdout)
        self.assertEqual((told["policy"], told["status"]), ("app-pull", "failed"))
        self.assertEqual([sync["status"] for sync in told["syncs"]], ["in_progress"])
        self.hold.release()
        again = self.program_.once()["app-pull"]
        self.assertEqual([(sync["id"], sync["status"]) for sync in again["syncs"]],
                         [(told["syncs"][0]["id"], "completed")])


@local_only("plan looks at repositories of this machine")
class Plan(CommandLine):
    def test_plan_tells_every_outcome_and_writes_nothing(self):
        self.app.set(tag("v1"), self.tip)
        self.app.set(branch("other"), self.tip)
        program = self.program(self.configuration(self.url, {"exclude": {"branches": "wip"}}))
        program.once()
        before, refs = self.snapshot(), self.mirror().refs("refs/")
        self.app.commit("main", root=True)
        self.app.commit("other")
        self.app.set(branch("new"), self.tip)
        self.app.set(branch("wip"), self.tip)
        planned = program.run("plan", "app-pull")
        self.assertEqual(planned.returncode, 0, planned.stderr)
        for name, reason in (("main", "non_fast_forward"), ("other", "fast_forward"), ("new", "created"),
                             ("wip", "excluded"), ("v1", "unchanged")):
            self.assertRegex(planned.stdout, rf"(?m)^.*\b{name}\b.*{reason}")
        self.assertEqual(self.mirror().refs("refs/"), refs)
        self.assertEqual(self.snapshot(), before)
        self.assert_sound(self.mirror())

    def test_plan_before_the_first_sync_makes_no_repository(self):
        planned = self.program(self.configuration(self.url)).run("plan")
        self.assertEqual(planned.returncode, 0, planned.stderr)
        self.assertIn("created", planned.stdout)
        self.assertFalse(self.mirror().path.exists())

    def test_plan_of_a_push_before_the_first_pull_counts_the_repository_as_empty(self):
        program = self.program(self.configuration(self.url, {}, {"direction": "push"}))
        planned = program.run("plan")
        self.assertEqual(planned.returncode, 0, planned.stderr)
        self.assertIn("app-push: push of app would leave no refs", planned.stdout)
        self.assertIn("app-push: repository 'app' does not exist yet", planned.stderr)
        self.assertFalse(self.mirror().path.exists())
        program.once()

    def test_plan_tells_of_a_pack_that_is_refused_before_it_has_come_whole(self):
        large = self.app.git("hash-object", "-w", "--stdin", data=os.urandom(24 << 20))
        entry = b"100644 .git\0" + bytes.fromhex(large)
        tree = self.app.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", data=entry)
        self.app.set(branch("main"), self.app.git("commit-tree", "-m", "evil", "-p", self.tip, tree))
        planned = self.program(self.configuration(self.http_server().url(self.app))).run("plan")
        self.assertEqual(planned.returncode, 1, planned.stderr)
        self.assertIn("app-pull: cannot plan (untrusted)", planned.stderr)

    def test_plan_at_a_hosted_service_is_wrong_usage(self):
        configuration = self.configuration("https://git.example.com/app.git")
        configuration["service"] |= {"kind": "mesa", "credential": {"file": str(self.secret_file("secret"))}}
        planned = self.program(configuration).run("plan")
        self.assertEqual(planned.returncode, 2, planned.stderr)
        self.assertIn("kind: mesa", planned.stderr)

    def test_plan_of_a_push_touches_neither_side(self):
        program = self.program(self.configuration(self.url, {}, {"direction": "push"}))
        program.once("app-pull")
        self.mirror().commit("main")
        before = self.snapshot()
        planned = program.run("plan", "app-push")
        self.assertEqual(planned.returncode, 0, planned.stderr)
        self.assertIn("fast_forward", planned.stdout)
        self.assertEqual(self.app.value(branch("main")), self.tip)
        self.assertEqual(self.snapshot(), before)


class Check(CommandLine):
    def test_check_prints_the_schedule_with_the_next_three_due_times(self):
        program = self.program(self.configuration(
            self.url, {"every": "5m"},
            {"direction": "push", "cron": "*/15 8-18 * * mon-fri", "timezone": "Europe/Zurich"}))
        done = program.run("check")
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in ("app-pull", "app-push", "5m", "*/15 8-18 * * mon-fri", "Europe/Zurich"):
            self.assertIn(word, done.stdout)
        self.assertGreaterEqual(len(re.findall(r"\d{4}-\d\d-\d\d.\d\d:\d\d", done.stdout)), 6)
        self.assertFalse(program.state.exists())

    def test_check_counts_one_as_one(self):
        told = self.program(self.configuration(self.url)).run("check").stdout
        self.assertIn("is good: 1 policy, 1 repository, state in", told)


if __name__ == "__main__":
    unittest.main()
