//! `prompts/list` and `prompts/get`. Prompts are templates: the values of arguments must never be checked or looked up
//! (DESIGN §13.7).

use rmcp::ErrorData;
use rmcp::model::{
    GetPromptRequestParams, GetPromptResult, ListPromptsResult, Prompt, PromptArgument, PromptMessage, Role,
};

use crate::prompts::{IMPLEMENT_THREAD, PROMPTS};

/// Returns the prompts with their arguments; for a worker only its own.
pub(super) fn list(for_a_worker: bool) -> ListPromptsResult {
    let shown = PROMPTS.iter().filter(|prompt| !for_a_worker || **prompt == IMPLEMENT_THREAD);
    let prompts = shown.map(|prompt| {
        let arguments = prompt.arguments.iter().map(|argument| {
            PromptArgument::new(argument.name).with_description(argument.description).with_required(argument.required)
        });
        let arguments: Vec<PromptArgument> = arguments.collect();
        Prompt::new(prompt.name, Some(prompt.description), (!arguments.is_empty()).then_some(arguments))
            .with_title(prompt.title)
    });
    ListPromptsResult::with_all_items(prompts.collect())
}

/// Returns the text of a prompt. An unknown prompt, or a required argument that is missing, is `invalid_params`. Values
/// are not checked, because OpenCode fetches prompts with the literal values `$1`, `$2` and fills them in later.
pub(super) fn get(request: &GetPromptRequestParams) -> Result<GetPromptResult, ErrorData> {
    let Some(prompt) = PROMPTS.iter().find(|prompt| prompt.name == request.name) else {
        let names: Vec<&str> = PROMPTS.iter().map(|prompt| prompt.name).collect();
        let name: String = request.name.chars().take(60).collect();
        let message = format!("there is no prompt {name:?}; the prompts are {}", names.join(", "));
        return Err(ErrorData::invalid_params(message, None));
    };
    let arguments = request.arguments.as_ref();
    if let Some(missing) = prompt
        .arguments
        .iter()
        .find(|argument| argument.required && arguments.is_none_or(|arguments| arguments.get(argument.name).is_none()))
    {
        return Err(ErrorData::invalid_params(format!("{} needs {}", prompt.name, missing.name), None));
    }
    let text = prompt.text(|name| arguments?.get(name)?.as_str());
    Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]).with_description(prompt.description))
}
