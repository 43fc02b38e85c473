/* The table of commands: the operator's side. */
#include "table.h"

#define ARGUMENT_SERVICE_OR_PARTY { "SERVICE", ARGUMENT_SERVICE, .optional = true, .help = { "the service; or name a provider with --party", \
    "服务;或用 --party 指定服务方" } }
#define OPTION_PROVIDER { "party", 0, OPTION_TEXT, .value = "PARTY", .help = { "this provider instead of a service", "服务方,代替服务" } }
#define ARGUMENT_PARTY { "PARTY", ARGUMENT_TEXT, .help = { "the party's name", "机构名" } }
#define ARGUMENT_SERVICE_FILTER { "SERVICE", ARGUMENT_SERVICE, .optional = true, .help = { "only this service", "只列该服务" } }
#define OPTION_ROLE { "role", 0, OPTION_CHOICE, .many = true, .value = "ROLE", .choices = "requester|performer|operator|observer", \
    .help = { "a role; may be given again", "角色;可重复" } }
#define OPTION_SERVICES { "service", 's', OPTION_SERVICE, .many = true, .value = "SERVICE", \
    .help = { "a service it may perform or request: exact name or prefix.*; may be given again", "可执行或请求的服务:服务名或前缀.*;可重复" } }

const struct command table_operator[] = {
    { "queues", { "Show what waits and what runs, per service", "按服务显示排队与执行情况" },
      { "UNMATCHED counts requests that wait although no provider is capable of them; qiao explain ID says why.",
          "UNMATCHED 为没有合格服务方的等待请求;qiao explain 说明原因。" },
      ARGUMENTS(ARGUMENT_SERVICE_FILTER), .run = run_queues },
    { "workers", { "Show who offers what, and how busy they are", "显示供给及其忙闲" }, { 0 }, ARGUMENTS(ARGUMENT_SERVICE_FILTER), .run = run_workers },
    { "stats", { "Show the broker's own figures", "显示代理自身指标" }, { 0 }, .run = run_stats },
    { "top", { "Show the queues live; q quits", "实时显示队列;按 q 退出" }, { 0 }, NULL,
      OPTIONS({ "every", 0, OPTION_DURATION, .value = "DURATION", .help = { "how often (default 1s)", "刷新间隔(默认 1s)" } },
              { "count", 0, OPTION_NUMBER, .value = "N", .help = { "end after so many pictures", "刷新若干次后结束" } }),
      .run = run_top },
    { "pause", { "Assign nothing more for a service or to a provider", "暂停向服务或服务方分派" }, { "Submissions are still taken.", "仍接受提交。" },
      ARGUMENTS(ARGUMENT_SERVICE_OR_PARTY), OPTIONS(OPTION_PROVIDER, OPTION_MESSAGE), .run = run_pause },
    { "resume", { "Lift a pause or a drain", "解除暂停或排空" }, { 0 }, ARGUMENTS(ARGUMENT_SERVICE_OR_PARTY), OPTIONS(OPTION_PROVIDER, OPTION_MESSAGE),
        .run = run_resume },
    { "drain", { "Let a service or a provider run empty", "排空服务或服务方" },
      { "A service takes no new submissions and works off what it has; a provider gets no new tasks.", "服务不再接受提交,处理完已有请求;服务方不再得到新任务。" },
      ARGUMENTS(ARGUMENT_SERVICE_OR_PARTY), OPTIONS(OPTION_PROVIDER, OPTION_MESSAGE), .run = run_drain },
    { "hold", { "Put a request on hold, or lift that", "挂起请求或解除" }, { 0 }, ARGUMENTS(ARGUMENT_REQUEST),
      OPTIONS({ "lift", 0, OPTION_FLAG, .help = { "let it go on", "解除挂起" } }, OPTION_MESSAGE), .run = run_hold },
    { "requeue", { "Give a request that is on hold a new task", "为挂起的请求重新建立任务" }, { 0 }, ARGUMENTS(ARGUMENT_REQUEST), OPTIONS(OPTION_MESSAGE),
        .run = run_requeue },
    { "fail", { "Fail a request that cannot be performed", "判定请求失败" }, { 0 }, ARGUMENTS(ARGUMENT_REQUEST), OPTIONS(OPTION_MESSAGE), .run = run_fail },
    { "party add", { "Make a party", "新建机构" }, { 0 }, ARGUMENTS(ARGUMENT_PARTY),
      OPTIONS({ "title", 0, OPTION_TEXT, .value = "TEXT", .help = { "its name for people", "显示名称" } }, OPTION_ROLE, OPTION_SERVICES,
              { "member", 0, OPTION_TEXT, .value = "NAME", .help = { "a member whose key is known already", "已有公钥的成员" } },
              { "key", 0, OPTION_TEXT, .value = "KEY", .help = { "that member's public key, as keygen printed it", "该成员的公钥,由 keygen 输出" } },
                  OPTION_MESSAGE),
      .examples = EXAMPLES({ "qiao party add helix --title 'Helix Bio' --role requester --service 'testing.*'", { "An enterprise", "一家企业" } }),
          .run = run_party_add },
    { "party invite", { "Write an invitation for a member of a party", "为机构成员生成邀请文件" },
      { "The file holds the broker's endpoint and key and a key that enrols once; hand it over as you would a password. "
        "The other side runs qiao context import.",
        "文件含代理地址、公钥及一次性密钥,请像密码一样转交。对方运行 qiao context import。" },
      ARGUMENTS(ARGUMENT_PARTY),
      OPTIONS({ "member", 0, OPTION_TEXT, .value = "NAME", .help = { "the member's name (default: member)", "成员名(默认 member)" } },
              { "expires", 0, OPTION_TIME, .value = "TIME", .help = { "until when it may be used (default: +7d)", "有效期(默认 +7d)" } },
              { "output", 'o', OPTION_FILE, .value = "FILE", .help = { "where to write it (default: PARTY-MEMBER.invite)",
                  "写入的文件(默认 机构-成员.invite)" } }, OPTION_MESSAGE),
      .run = run_party_invite },
    { "party list", { "List parties and their members", "列出机构及成员" }, { 0 },
      ARGUMENTS({ "PARTY", ARGUMENT_TEXT, .optional = true, .help = { "only this one", "只列该机构" } }), .run = run_party_list },
    { "party grant", { "Give a party roles, services, attributes or a quota", "授予角色、服务、属性或配额" }, { 0 }, ARGUMENTS(ARGUMENT_PARTY),
      OPTIONS(OPTION_ROLE, OPTION_SERVICES,
              { "attribute", 0, OPTION_TEXT, .many = true, .value = "NAME=VALUE",
                  .help = { "a confirmed attribute; it outranks what an offer says; the value is YAML", "经确认的属性,优先于供给自述;值为 YAML" } },
              { "attributes", 0, OPTION_FILE, .value = "FILE", .help = { "the same from a YAML or JSON document", "从文档读取" } },
              { "quota", 0, OPTION_NUMBER, .value = "N", .help = { "open requests at most; 0 is the default", "未完成请求上限;0 为默认" } }, OPTION_MESSAGE),
      .examples = EXAMPLES({ "qiao party grant biolab --attribute 'accreditation=[CNAS, CMA]'", { "Confirm an accreditation", "确认资质" } }),
          .run = run_party_grant },
    { "party revoke", { "Take a party, a member or a service away; holds from the next message",
        "吊销机构、成员或服务;即时生效" }, { 0 }, ARGUMENTS(ARGUMENT_PARTY),
      OPTIONS({ "member", 0, OPTION_TEXT, .value = "NAME", .help = { "only this member", "只吊销该成员" } }, OPTION_SERVICES, OPTION_ROLE, OPTION_MESSAGE),
          .run = run_party_revoke },
    { "catalogue reload", { "Load the catalogue again, as SIGHUP does", "重新加载服务目录" }, { 0 }, .run = run_catalogue_reload },
    { 0 },
};
