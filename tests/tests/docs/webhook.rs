//! `docs/webhook.md`: annotations, reasons, configuration, flags.

use emberscope::config::DEFAULT_YAML;
use emberscope::overrides::{ANNOTATIONS, PREFIX};
use emberscope::reason::{PARTIALS, SKIPS};

use crate::generated::{check, fenced, table};

#[test]
fn the_page_about_the_webhook_says_what_the_code_says() {
    let annotations = ANNOTATIONS.map(|annotation| {
        let name = format!("`{PREFIX}{}`", annotation.name);
        [name, annotation.value.to_owned(), annotation.help.to_owned()]
    });
    let skips = SKIPS.map(|skip| [format!("`{}`", skip.code()), skip.sentence().to_owned()]);
    let partials =
        PARTIALS.map(|partial| [format!("`{}`", partial.code()), partial.sentence().to_owned()]);
    let help: Vec<String> =
        ["serve", "inject"].map(|verb| fenced("text", &emberscope::args::help(verb))).into();
    check(
        "docs/webhook.md",
        &[
            ("annotations", table(["annotation", "value", "what it does"], annotations)),
            ("skips", table(["code", "what it means"], skips)),
            ("partials", table(["code", "what it means"], partials)),
            ("configuration", fenced("yaml", DEFAULT_YAML)),
            ("command line", help.join("\n")),
        ],
    );
}
