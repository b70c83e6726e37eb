/*
 * reel.c - the program `reel`: finds the subcommand, reads its options, and gives help.
 * Relies on common.h. What a subcommand does is in its own file, cmd_*.c.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "inherited.h"
#include "text.h"

#define MAX_FLAGS 8
#define LETTERS   (2 * MAX_FLAGS + 3) /* for getopt_long(): a leading "+:", a letter and a colon each, the end */
#define HELP      0                   /* getopt_long's value for --help; flags have values above 0 */

static const struct command *const commands[] = {
    &cmd_init,   &cmd_ls,   &cmd_cat,  &cmd_write, &cmd_mv,    &cmd_rm,      &cmd_copy,    &cmd_move,
    &cmd_import, &cmd_info, &cmd_stat, &cmd_keys,  &cmd_check, &cmd_compact, &cmd_convert,
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(void)
{
	printf("Usage: reel COMMAND [OPTION]... CONTAINER [ARGUMENT]...\n"
	       "\n"
	       "Works on a container: one file that holds a directory tree (see reelfs(1)).\n"
	       "\n"
	       "Commands:\n");
	for (size_t i = 0; i < COMMANDS; i++) {
		printf("  %-8s %s", commands[i]->name, commands[i]->summary);
		if (commands[i]->alias != NULL)
			printf(" (also: %s)", commands[i]->alias);
		putchar('\n');
	}
	printf("\n"
	       "  reel COMMAND --help   tells more about one of them\n"
	       "  reel --version        shows the version\n"
	       "\n"
	       "Commands that only read never change the container, and work while it is mounted.\n");
}

/* `name`: of its two, the one by which it was called. */
static void print_command_help(const struct command *cmd, const char *name)
{
	char option[64];

	printf("Usage: reel %s %s\n\n%s", name, cmd->synopsis, cmd->details);
	if (cmd->alias != NULL)
		printf("'reel %s' and 'reel %s' are the same command.\n", cmd->name, cmd->alias);
	printf("\nOptions:\n");
	for (const struct flag *f = cmd->flags; f != NULL && f->long_name != NULL; f++) {
		snprintf(option, sizeof(option), "%s%s%s", f->long_name, f->argument != NULL ? "=" : "",
			 f->argument != NULL ? f->argument : "");
		printf("  -%c, --%-18s %s\n", f->name, option, f->help);
	}
	printf("      --%-18s %s\n", "help", "show this text");
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i]->name, name) == 0 ||
		    (commands[i]->alias != NULL && strcmp(commands[i]->alias, name) == 0))
			return commands[i];
	}
	return NULL;
}

/* The tables that getopt_long() needs for `cmd`. */
static void fill_option_tables(const struct command *cmd, char letters[LETTERS], struct option options[MAX_FLAGS + 2])
{
	size_t n = 0;

	if (cmd->options_first)
		*letters++ = '+';
	*letters++ = ':';
	for (const struct flag *f = cmd->flags; f != NULL && f->long_name != NULL; f++) {
		*letters++ = f->name;
		if (f->argument != NULL)
			*letters++ = ':';
		options[n++] =
		    (struct option){f->long_name, f->argument != NULL ? required_argument : no_argument, NULL, f->name};
	}
	*letters = '\0';
	options[n++] = (struct option){"help", no_argument, NULL, HELP};
	options[n] = (struct option){0};
}

static const struct flag *find_flag(const struct command *cmd, int letter)
{
	const struct flag *f = cmd->flags;

	while (f != NULL && f->long_name != NULL && f->name != letter)
		f++;
	return f != NULL && f->long_name != NULL ? f : NULL;
}

/* getopt_long() leaves a letter that is unknown, 0 for an unknown word, or the letter of an option with an argument wrong. */
static int wrong_option(const struct command *cmd, char **argv)
{
	const struct flag *f = find_flag(cmd, optopt);

	if (optopt == 0)
		complain(NULL, "unknown option '%s' (see 'reel %s --help')", argv[optind - 1], argv[0]);
	else if (f != NULL && f->argument != NULL)
		complain(NULL, "option '--%s' needs a %s (see 'reel %s --help')", f->long_name, f->argument, argv[0]);
	else if (f != NULL)
		complain(NULL, "option '--%s' takes no value (see 'reel %s --help')", f->long_name, argv[0]);
	else
		complain(NULL, "unknown option '-%c' (see 'reel %s --help')", optopt, argv[0]);
	return STATUS_USAGE;
}

/* 0: go on; -1: help was asked for and printed; otherwise the exit status. argv[0] is the command's name. */
static int read_command_line(const struct command *cmd, int argc, char **argv, struct args *ret)
{
	char letters[LETTERS];
	struct option options[MAX_FLAGS + 2];
	int c;

	fill_option_tables(cmd, letters, options);
	opterr = 0;
	while ((c = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		if (c == HELP) {
			print_command_help(cmd, argv[0]);
			return -1;
		}
		if (c == '?' || c == ':')
			return wrong_option(cmd, argv);
		ret->given[(unsigned char)c] = true;
		ret->value[(unsigned char)c] = optarg;
	}
	ret->n = argc - optind;
	ret->operand = argv + optind;
	if (ret->n < cmd->min_operands) {
		complain(NULL, "too few arguments (usage: reel %s %s)", argv[0], cmd->synopsis);
		return STATUS_USAGE;
	}
	if (cmd->max_operands >= 0 && ret->n > cmd->max_operands) {
		complain(ret->operand[cmd->max_operands], "unexpected argument (usage: reel %s %s)", argv[0], cmd->synopsis);
		return STATUS_USAGE;
	}
	return 0;
}

static int run_command(const struct command *cmd, int argc, char **argv)
{
	struct args args = {0};
	int status;

	messages_for(argv[0]);
	status = read_command_line(cmd, argc, argv, &args);
	if (status > 0)
		return status;
	if (status == 0 && !container_take_nul(&args))
		return STATUS_USAGE;
	return status < 0 ? STATUS_OK : cmd->run(&args);
}

static int run(int argc, char **argv)
{
	const struct command *cmd;
	const char *word = argc > 1 ? argv[1] : NULL;

	if (word == NULL) {
		complain(NULL, "no command given (see 'reel --help')");
		return STATUS_USAGE;
	}
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
		printf("reel (%s) %s\n", PACKAGE_NAME, PACKAGE_VERSION);
		return STATUS_OK;
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || (strcmp(word, "help") == 0 && argc == 2)) {
		print_help();
		return STATUS_OK;
	}
	if (strcmp(word, "help") == 0) {
		word = argv[2];
		cmd = find_command(word);
		if (cmd != NULL) {
			print_command_help(cmd, word);
			return STATUS_OK;
		}
	} else {
		cmd = find_command(word);
		if (cmd != NULL)
			return run_command(cmd, argc - 1, argv + 1);
	}
	complain(word, "unknown command (see 'reel --help')");
	return STATUS_USAGE;
}

int main(int argc, char **argv)
{
	int status, err;

	inherited_fill_standard(); /* I1 */
	/* A write past the limit on the size of files is an error like any other, with a message, and nothing is left behind.
	 */
	signal(SIGXFSZ, SIG_IGN);
	(void)fs_guard_faults(); /* without it a failing disk ends the process, which is an error too */
	status = run(argc, argv);
	err = finish_output();
	if (err < 0) {
		complain("standard output", "%s (what was printed is not complete)", strerror(-err));
		if (status == STATUS_OK)
			status = STATUS_FAILED;
	}
	return status;
}
