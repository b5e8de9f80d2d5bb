use super::*;

/// The form with tags.
const TAGGED: &str = r#"{
  "master": {
    "tasks": [
      {"id": 1, "title": "Read the feed", "description": "Fetch and parse it.", "status": "done", "dependencies": [],
       "priority": "high", "details": "- retry\n- cache", "testStrategy": "Unit tests.", "complexity": 4,
       "subtasks": [
         {"id": 1, "title": "Fetch", "description": "", "status": "done", "dependencies": [], "parentId": "undefined"},
         {"id": 2, "title": "Parse", "dependencies": ["1.1"], "status": "pending", "acceptanceCriteria": "- all dates"}]},
      {"id": "2", "title": "Show it", "status": "in-progress", "dependencies": ["1", 1.0], "subtasks": null}
    ],
    "metadata": {"created": "2026-01-02T03:04:05Z", "description": "Tasks of the reader"}
  },
  "later": {"tasks": [], "metadata": {}},
  "version": 2
}"#;

#[test]
fn tags_and_tasks_are_read() {
    let read = read(TAGGED).unwrap().unwrap();
    insta::assert_debug_snapshot!(read, @r#"
    TaskMasterJson {
        tags: [
            Tag {
                name: Some(
                    "master",
                ),
                tasks: [
                    Task {
                        id: "1",
                        title: "Read the feed",
                        description: "Fetch and parse it.",
                        details: "- retry\n- cache",
                        test_strategy: "Unit tests.",
                        acceptance: "",
                        priority: "high",
                        status: "done",
                        dependencies: [],
                        subtasks: [
                            Task {
                                id: "1",
                                title: "Fetch",
                                description: "",
                                details: "",
                                test_strategy: "",
                                acceptance: "",
                                priority: "",
                                status: "done",
                                dependencies: [],
                                subtasks: [],
                                others: [],
                            },
                            Task {
                                id: "2",
                                title: "Parse",
                                description: "",
                                details: "",
                                test_strategy: "",
                                acceptance: "- all dates",
                                priority: "",
                                status: "pending",
                                dependencies: [
                                    "1.1",
                                ],
                                subtasks: [],
                                others: [],
                            },
                        ],
                        others: [
                            "complexity",
                        ],
                    },
                    Task {
                        id: "2",
                        title: "Show it",
                        description: "",
                        details: "",
                        test_strategy: "",
                        acceptance: "",
                        priority: "",
                        status: "in-progress",
                        dependencies: [
                            "1",
                            "1",
                        ],
                        subtasks: [],
                        others: [],
                    },
                ],
                about: [
                    (
                        "created",
                        "2026-01-02T03:04:05Z",
                    ),
                    (
                        "description",
                        "Tasks of the reader",
                    ),
                ],
                no_tasks: [],
            },
            Tag {
                name: Some(
                    "later",
                ),
                tasks: [],
                about: [],
                no_tasks: [],
            },
        ],
        others: [
            "version",
        ],
    }
    "#);
}

#[test]
fn the_older_form_has_one_group() {
    let text = r#"{"meta": {"projectName": "Reader"}, "tasks": [{"id": 1, "title": "A"}]}"#;
    let read = read(text).unwrap().unwrap();
    let [tag] = read.tags.as_slice() else { panic!("{read:?}") };
    assert_eq!((&tag.name, tag.tasks.len()), (&None, 1));
    assert_eq!(tag.about, [("projectName".to_owned(), "Reader".to_owned())]);
    assert!(read.others.is_empty());
}

#[test]
fn other_json_is_none_of_these() {
    for text in [
        "{}",
        "[]",
        "[1]",
        r#"{"tasks": {}}"#,
        r#"{"tasks": [1]}"#,
        r#"{"version": "1.0.0", "stream_id": "000-x", "tasks": [{"id": "01.01.01.01", "name": "n", "status": "pending"}]}"#,
        r#"{"version": "2.0.0", "tasks": [{"label": "build", "type": "shell"}]}"#,
    ] {
        assert_eq!(read(text).unwrap(), None, "{text}");
    }
}

#[test]
fn wrong_types_are_texts_and_nothing_is_dropped() {
    let text = r#"{"tasks": [
        {"id": 12345678901234567890123, "title": 7, "description": ["a", "b"], "details": {"x": [1.10]}, "status": true,
         "dependencies": "1, 2", "priority": null, "subtasks": {"odd": 1}, "testStrategy": false},
        "no task", {"name": "no title"}, {"title": "no id", "dependencies": 3}]}"#;
    let read = read(text).unwrap().unwrap();
    let tag = &read.tags[0];
    let task = &tag.tasks[0];
    assert_eq!((task.id.as_str(), task.title.as_str()), ("12345678901234567890123", "7"));
    assert_eq!((task.description.as_str(), task.details.as_str()), ("- a\n- b", r#"{"x": [1.10]}"#));
    assert_eq!((task.status.as_str(), task.test_strategy.as_str()), ("true", "false"));
    assert_eq!(
        (task.dependencies.clone(), task.others.clone()),
        (vec!["1".to_owned(), "2".to_owned()], vec!["subtasks".to_owned()])
    );
    assert_eq!(tag.no_tasks, [r#""no task""#, r#"{"name": "no title"}"#]);
    assert_eq!((tag.tasks[1].id.as_str(), tag.tasks[1].dependencies.clone()), ("", vec!["3".to_owned()]));
}

#[test]
fn a_key_twice_and_broken_json_are_errors() {
    for (text, wanted) in [
        (r#"{"master": {"tasks": []}, "master": {"tasks": []}}"#, "the key \"master\" stands here twice"),
        (r#"{"tasks": [{"title": "a", "title": "b"}]}"#, "the key \"title\" stands here twice"),
        (r#"{"tasks": [{"title": "a", "subtasks": [{"id": 1, "id": 2}]}]}"#, "the key \"id\" stands here twice"),
        ("{\"tasks\": [\n<<<<<<< HEAD", "expected value at line 2 column 1"),
    ] {
        assert!(read(text).unwrap_err().to_string().contains(wanted), "{text}");
    }
}
