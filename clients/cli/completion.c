/*
 * Completion for bash and zsh, made from the table of commands.
 *
 * Both scripts hold one function that answers, for a command's name, its options (one a line: name, kind, choices, what
 * it says) and the kind of its argument; the rest is a few fixed lines per shell.
 */
#include "command.h"

#include <stdio.h>
#include <string.h>

/* Inside single quotes of a shell. */
static void
quoted(FILE *out, const char *p)
{
    fputc('\'', out);
    for (; *p; p++)
        *p == '\'' ? fputs("'\\''", out) : fputc(*p, out);
    fputc('\'', out);
}

static const char *
kind_of_option(const struct option *option)
{
    switch (option->kind) {
    case OPTION_FLAG: return "flag";
    case OPTION_FILE: return "file";
    case OPTION_DIRECTORY: return "directory";
    case OPTION_CHOICE: return option->choices;
    case OPTION_SERVICE: return "service";
    case OPTION_CONTEXT: return "context";
    default: return "text";
    }
}

static const char *
kind_of_argument(const struct argument *argument)
{
    if (!argument || !argument->name)
        return "none";
    switch (argument->kind) {
    case ARGUMENT_FILE: return "file";
    case ARGUMENT_SERVICE: return "service";
    case ARGUMENT_CONTEXT: return "context";
    case ARGUMENT_COMMAND: return "command";
    default: return "text";
    }
}

static void
options_lines(FILE *out, const struct option *options)
{
    for (const struct option *o = options; o && o->name; o++) {
        char line[512];
        snprintf(line, sizeof line, "--%s\t%s\t%s", o->name, kind_of_option(o), o->help.en);
        fputs(" ", out);
        quoted(out, line);
        if (!o->letter)
            continue;
        snprintf(line, sizeof line, "-%c\t%s", o->letter, kind_of_option(o)); /* known, but not shown: the long form says more */
        fputs(" ", out);
        quoted(out, line);
    }
}

/* A shell function that both shells understand: what is known of one command. */
static void
facts(FILE *out)
{
    fputs("_qiao_options() {\n  local common; common=(", out);
    options_lines(out, common_options);
    fputs(" )\n  case \"$1\" in\n", out);
    for (const struct command_group *group = command_groups; group->commands; group++)
        for (const struct command *command = group->commands; command->name; command++) {
            if (!command->options)
                continue;
            fputs("    ", out);
            quoted(out, command->name);
            fputs(") printf '%s\\n'", out);
            options_lines(out, command->options);
            fputs(" ;;\n", out);
        }
    fputs("  esac\n  printf '%s\\n' \"${common[@]}\"\n}\n\n"
          "# Does an option before the command take the word behind it?\n"
          "_qiao_valued() {\n"
          "  _qiao_options '' | awk -F '\\t' -v word=\"$1\" '$1 == word && $2 != \"flag\" { found = 1 } END { exit !found }'\n"
          "}\n\n_qiao_argument() {\n  case \"$1\" in\n", out);
    for (const struct command_group *group = command_groups; group->commands; group++)
        for (const struct command *command = group->commands; command->name; command++) {
            fputs("    ", out);
            quoted(out, command->name);
            fprintf(out, ") echo %s ;;\n", kind_of_argument(command->arguments));
        }
    fputs("  esac\n}\n\n_qiao_commands() {\n  printf '%s\\n'", out);
    for (const struct command_group *group = command_groups; group->commands; group++)
        for (const struct command *command = group->commands; command->name; command++) {
            char line[512];
            snprintf(line, sizeof line, "%s\t%s", command->name, command->summary.en);
            fputs(" ", out);
            quoted(out, line);
        }
    fputs("\n}\n", out);
}

void
completion_print_bash(FILE *out)
{
    fputs("# bash completion for qiao; made by `qiao completion bash`\n\n", out);
    facts(out);
    fputs("\n_qiao_values() {\n"
          "  case \"$1\" in\n"
          "    none|flag|text) ;;\n"
          "    file) compgen -f -- \"$2\" ;;\n"
          "    directory) compgen -d -- \"$2\" ;;\n"
          "    service) compgen -W \"$(qiao service list -q 2>/dev/null)\" -- \"$2\" ;;\n"
          "    context) compgen -W \"$(qiao context list -q 2>/dev/null)\" -- \"$2\" ;;\n"
          "    command) compgen -W \"$(_qiao_commands | cut -f1 | cut -d' ' -f1 | sort -u)\" -- \"$2\" ;;\n"
          "    *) compgen -W \"${1//|/ }\" -- \"$2\" ;;\n"
          "  esac\n"
          "}\n\n"
          "_qiao() {\n"
          "  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} word name='' option kind says i\n"
          "  local -a words=()\n"
          "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
          "    word=${COMP_WORDS[i]}\n"
          "    if [[ $word != -* ]]; then words+=(\"$word\"); elif _qiao_valued \"$word\"; then ((i++)); fi\n"
          "  done\n"
          "  if _qiao_commands | cut -f1 | grep -qxF -- \"${words[0]-} ${words[1]-}\"; then name=\"${words[0]} ${words[1]}\"\n"
          "  elif _qiao_commands | cut -f1 | grep -qxF -- \"${words[0]-}\"; then name=${words[0]}; fi\n"
          "  COMPREPLY=()\n"
          "  if [[ $before == -* ]]; then\n"
          "    while IFS=$'\\t' read -r option kind says; do\n"
          "      if [[ $option == \"$before\" && $kind != flag ]]; then\n"
          "        mapfile -t COMPREPLY < <(_qiao_values \"$kind\" \"$current\")\n"
          "        return\n"
          "      fi\n"
          "    done < <(_qiao_options \"$name\")\n"
          "  fi\n"
          "  if [[ $current == -* ]]; then\n"
          "    mapfile -t COMPREPLY < <(compgen -W \"$(_qiao_options \"$name\" | cut -f1 | grep -- --)\" -- \"$current\")\n"
          "  elif [[ -z $name ]]; then\n"
          "    if ((${#words[@]} == 0)); then\n"
          "      mapfile -t COMPREPLY < <(_qiao_values command \"$current\")\n"
          "    else\n"
          "      mapfile -t COMPREPLY < <(compgen -W \"$(_qiao_commands | cut -f1 | grep -- \"^${words[0]} \" | cut -d' ' -f2)\" -- \"$current\")\n"
          "    fi\n"
          "  else\n"
          "    mapfile -t COMPREPLY < <(_qiao_values \"$(_qiao_argument \"$name\")\" \"$current\")\n"
          "  fi\n"
          "}\n\n"
          "complete -o filenames -F _qiao qiao\n",
          out);
}

void
completion_print_zsh(FILE *out)
{
    fputs("#compdef qiao\n# zsh completion for qiao; made by `qiao completion zsh`\n\n", out);
    facts(out);
    fputs("\n_qiao_values() {\n"
          "  case \"$1\" in\n"
          "    none|flag|text) ;;\n"
          "    file) _files ;;\n"
          "    directory) _files -/ ;;\n"
          "    service) compadd -- ${(f)\"$(qiao service list -q 2>/dev/null)\"} ;;\n"
          "    context) compadd -- ${(f)\"$(qiao context list -q 2>/dev/null)\"} ;;\n"
          "    command) compadd -- ${(u)${(f)\"$(_qiao_commands)\"}%%[[:space:]]*} ;;\n"
          "    *) compadd -- ${(s:|:)1} ;;\n"
          "  esac\n"
          "}\n\n"
          "_qiao() {\n"
          "  local before=${words[CURRENT-1]} current=${words[CURRENT]} name='' line\n"
          "  local -a typed names parts shown\n"
          "  local -i i\n"
          "  for (( i = 2; i < CURRENT; i++ )); do\n"
          "    if [[ ${words[i]} != -* ]]; then typed+=(${words[i]}); elif _qiao_valued ${words[i]}; then (( i++ )); fi\n"
          "  done\n"
          "  names=(${${(f)\"$(_qiao_commands)\"}%%$'\\t'*})\n"
          "  if (( ${names[(Ie)${typed[1]} ${typed[2]}]} )); then name=\"${typed[1]} ${typed[2]}\"\n"
          "  elif (( ${names[(Ie)${typed[1]}]} )); then name=${typed[1]}; fi\n"
          "  if [[ $before == -* ]]; then\n"
          "    for line in ${(f)\"$(_qiao_options $name)\"}; do\n"
          "      parts=(${(ps:\\t:)line})\n"
          "      if [[ ${parts[1]} == $before && ${parts[2]} != flag ]]; then _qiao_values ${parts[2]}; return; fi\n"
          "    done\n"
          "  fi\n"
          "  if [[ $current == -* ]]; then\n"
          "    for line in ${(f)\"$(_qiao_options $name)\"}; do\n"
          "      parts=(${(ps:\\t:)line}); [[ $line == --* ]] && shown+=(\"${parts[1]}:${parts[3]}\")\n"
          "    done\n"
          "    _describe -o option shown\n"
          "  elif [[ -z $name ]]; then\n"
          "    if (( ${#typed} == 0 )); then _qiao_values command\n"
          "    else compadd -- ${${(M)names:#${typed[1]} *}#* }; fi\n"
          "  else\n"
          "    _qiao_values \"$(_qiao_argument $name)\"\n"
          "  fi\n"
          "}\n\n"
          "if [[ $funcstack[1] == _qiao ]]; then _qiao \"$@\"; else compdef _qiao qiao; fi\n",
          out);
}
