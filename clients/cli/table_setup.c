/* The table of commands: keys, contexts, help. */
#include "table.h"

const struct command table_setup[] = {
    { "context import", { "Enrol with an invitation, or take over a context file", "凭邀请文件登记,或导入连接配置" },
      { "Of an invitation: makes your own key pair, enrols its public half with the one-time key, and saves the context. "
        "The secret half never leaves this machine.",
        "邀请文件:在本机生成密钥对,用一次性密钥登记公钥并保存配置;私钥不离开本机。" },
      ARGUMENTS({ "FILE", ARGUMENT_FILE, .help = { "the invitation or the context file", "邀请文件或配置文件" } }),
      OPTIONS({ "name", 0, OPTION_TEXT, .value = "NAME", .help = { "name of the new context (default: the party)", "新配置的名称(默认机构名)" } },
              { "member", 0, OPTION_TEXT, .value = "NAME", .help = { "your member name (default: the invitation's)", "成员名(默认取邀请文件所写)" } },
              { "use", 0, OPTION_FLAG, .help = { "make it the current one, also when there is one", "设为当前配置" } }),
      .examples = EXAMPLES({ "qiao context import helix.invite --name helix", { "Enrol", "登记" } }), .run = run_context_import },
    { "context use", { "Make a context the current one", "切换当前连接配置" }, { 0 },
      ARGUMENTS({ "NAME", ARGUMENT_CONTEXT, .help = { "the context", "配置名" } }), .run = run_context_use },
    { "context list", { "List contexts; the current one is marked", "列出连接配置,标出当前者" }, { 0 }, .run = run_context_list },
    { "keygen", { "Make a CURVE key pair", "生成 CURVE 密钥对" }, { "Prints the public key; the pair is written to a file of mode 0600.",
        "输出公钥;密钥对写入权限 0600 的文件。" }, NULL,
      OPTIONS({ "output", 'o', OPTION_FILE, .value = "FILE", .help = { "where to write the pair (default: qiao.key)", "写入的文件(默认 qiao.key)" } }),
          .run = run_keygen },
    { "help", { "Help on this program, a command, exit-codes or document", "显示帮助" }, { 0 },
      ARGUMENTS({ "COMMAND", ARGUMENT_COMMAND, .optional = true, .many = true, .help = { "a command, or exit-codes, or document",
          "命令,或 exit-codes、document" } }),
      OPTIONS({ "markdown", 0, OPTION_FLAG, .help = { "all commands as tables of Markdown", "以 Markdown 表格输出全部命令" } }), .run = run_help },
    { "completion", { "Print the completion script for a shell", "输出命令行补全脚本" }, { 0 },
      ARGUMENTS({ "SHELL", ARGUMENT_TEXT, .help = { "bash or zsh", "bash 或 zsh" } }), .examples =
      EXAMPLES({ "source <(qiao completion bash)", { "For this shell only", "仅当前 shell" } },
               { "qiao completion zsh > ~/.zfunc/_qiao", { "For zsh, in a directory of fpath", "zsh,放入 fpath 目录" } }),
      .run = run_completion },
    { "man", { "Print the manual page of this program or of a command", "输出手册页" }, { 0 },
      ARGUMENTS({ "COMMAND", ARGUMENT_COMMAND, .optional = true, .many = true, .help = { "a command", "命令" } }),
      OPTIONS({ "directory", 'o', OPTION_DIRECTORY, .value = "DIR", .help = { "write all pages into this directory instead", "将全部手册页写入该目录" } }),
      .examples = EXAMPLES({ "qiao man submit | man -l -", { "Read it", "阅读" } }), .run = run_man },
    { "version", { "Print the version", "显示版本" }, { 0 }, .run = run_version },
    { 0 },
};
